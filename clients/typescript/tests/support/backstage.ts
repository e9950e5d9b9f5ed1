/** Users of a scenario who act over HTTP, without a client under test. */

import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { tokensOf, uniqueName } from "./people.js";
import type { Endpoints } from "./local-cloud.js";
import { written, type Scenario, type ScenarioText } from "./scenario.js";

interface HistoryMessage {
  readonly seq: number;
  readonly kind: string;
  readonly text?: string;
}

/** The users and the conversation of a scenario. */
export class Backstage {
  readonly names = new Map<string, string>();
  private readonly ids = new Map<string, string>();
  private readonly endpoints: Endpoints;
  conversation = "";

  constructor(endpoints: Endpoints) {
    this.endpoints = endpoints;
  }

  /** Makes users and conversation. */
  async prepare({ users, conversation: { type, members } }: Scenario): Promise<void> {
    for (const user of users) {
      this.names.set(user, uniqueName(user));
      const { user_id } = await this.ask<{ user_id: string }>(user, "PUT", "/v1/users/me", { display_name: user });
      this.ids.set(user, user_id);
    }
    const [creator, ...others] = members;
    const body = {
      type,
      title: "Scenario",
      ...(type === "group" ? { member_ids: others.map((user) => this.ids.get(user)) } : {}),
    };
    const created = await this.ask<{ conversation_id: string }>(creator ?? "", "POST", "/v1/conversations", body);
    this.conversation = created.conversation_id;
    if (type === "public") for (const user of others) await this.ask(user, "PUT", `${this.path}/members/me`);
  }

  /** Sends texts in batches. */
  async say(user: string, texts: readonly string[]): Promise<void> {
    for (let from = 0; from < texts.length; from += 25) {
      const messages = texts.slice(from, from + 25).map((text) => ({ client_message_id: randomUUID(), text }));
      await this.ask(user, "POST", `${this.path}/messages`, { messages });
    }
  }

  async edit(user: string, text: string, to: string): Promise<void> {
    await this.ask(user, "PATCH", await this.pathOf(user, text), { text: to });
  }

  async delete(user: string, text: string): Promise<void> {
    await this.ask(user, "DELETE", await this.pathOf(user, text));
  }

  async react(user: string, text: string, emoji: string, on: boolean): Promise<void> {
    await this.ask(
      user,
      on ? "PUT" : "DELETE",
      `${await this.pathOf(user, text)}/reactions/${encodeURIComponent(emoji)}`,
    );
  }

  async add(user: string, member: string): Promise<void> {
    await this.ask(user, "POST", `${this.path}/members`, { user_ids: [this.ids.get(member)] });
  }

  async remove(user: string, member: string): Promise<void> {
    await this.ask(user, "DELETE", `${this.path}/members/${this.ids.get(member) ?? ""}`);
  }

  async deleteAccount(user: string, messages: string): Promise<void> {
    await this.ask(user, "DELETE", `/v1/users/me?messages=${messages}`);
  }

  /** The server's history has exactly these texts, at the latest after a while: a send may be under way. */
  async expectHistory(user: string, texts: readonly ScenarioText[]): Promise<void> {
    const wanted = texts.map(written);
    await expect.poll(() => this.texts(user), { timeout: 30_000, interval: 100 }).toEqual(wanted);
  }

  /** Installs a fault plan of the local cloud, or removes it. */
  async faults(plan: unknown): Promise<void> {
    const url = `${this.endpoints.control}/faults`;
    const response = await fetch(
      url,
      plan === null ? { method: "DELETE" } : { method: "POST", body: JSON.stringify(plan) },
    );
    if (!response.ok) throw new Error(`the plan is refused: ${await response.text()}`);
  }

  /** Kills the processes of a function. */
  async kill(name: string): Promise<void> {
    const response = await fetch(`${this.endpoints.control}/functions/${name}/kill`, { method: "POST" });
    if (!response.ok) throw new Error(`${name} is not killed: ${await response.text()}`);
  }

  private get path(): string {
    return `/v1/conversations/${this.conversation}`;
  }

  private async texts(user: string): Promise<string[]> {
    return (await this.history(user)).flatMap(({ kind, text }) =>
      kind === "text" && text !== undefined ? [text] : [],
    );
  }

  private async history(user: string): Promise<HistoryMessage[]> {
    const all: HistoryMessage[] = [];
    let before: number | null = null;
    do {
      const query: string = before === null ? "" : `&before_seq=${before}`;
      const page = await this.ask<{ messages: HistoryMessage[]; next: number | null }>(
        user,
        "GET",
        `${this.path}/messages?limit=100${query}`,
      );
      all.unshift(...page.messages);
      before = page.next;
    } while (before !== null);
    return all;
  }

  private async pathOf(user: string, text: string): Promise<string> {
    const message = (await this.history(user)).find((message) => message.text === text);
    if (message === undefined) throw new Error(`no message says ${text}`);
    return `${this.path}/messages/${message.seq}`;
  }

  /** Makes a request, and repeats it while the server says so. */
  private async ask<T>(user: string, method: string, path: string, body?: unknown): Promise<T> {
    const token = await tokensOf(this.endpoints, this.names.get(user) ?? "")();
    for (;;) {
      const response = await fetch(`${this.endpoints.http}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
      if (response.status !== 503) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
  }
}
