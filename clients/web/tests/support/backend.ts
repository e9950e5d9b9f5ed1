/** Requests of people beside their windows. */

import { randomUUID } from "node:crypto";
import { inject } from "vitest";

/** Messages that a request may have. */
const MAX_BATCH = 25;

/** A message, and what an app adds to it. */
export interface NewMessage {
  readonly text: string;
  readonly custom?: object;
}

/** What somebody does over HTTP. */
export class Backend {
  private readonly token: string;

  private constructor(token: string) {
    this.token = token;
  }

  /** Signs somebody in. */
  static async of(username: string): Promise<Backend> {
    const issued = await fetch(inject("endpoints").oidc_token, { method: "POST", body: JSON.stringify({ username }) });
    return new Backend(((await issued.json()) as { access_token: string }).access_token);
  }

  /** Sends a request. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(inject("endpoints").http + path, {
      method,
      headers: { authorization: `Bearer ${this.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as T;
  }

  /** Sends messages, in this order. */
  async say(conversation: string, messages: readonly NewMessage[]): Promise<void> {
    for (let from = 0; from < messages.length; from += MAX_BATCH) {
      const batch = messages.slice(from, from + MAX_BATCH);
      await this.ask("POST", `/v1/conversations/${conversation}/messages`, {
        messages: batch.map((message) => ({ client_message_id: randomUUID(), ...message })),
      });
    }
  }
}

/** Texts with numbers. */
export function lines(words: string, count: number): NewMessage[] {
  return Array.from({ length: count }, (_, n) => ({ text: `${words} ${n}` }));
}
