/** Users of the local cloud, and clients for them. */

import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import {
  createClient,
  when,
  type Client,
  type ClientOptions,
  type SocketClass,
  type Timeline,
} from "../../src/index.js";
import type { Endpoints } from "./local-cloud.js";

/** How long a state may take to come, cold starts on a busy machine included. `PATIENCE` shortens it, to see a test fail. */
export const PATIENCE = Number(process.env.PATIENCE ?? 60_000);

/** Gets tokens of a user from the local issuer. */
export function tokensOf(
  endpoints: Endpoints,
  username: string,
  expiresIn?: () => number | undefined,
): () => Promise<string> {
  return async () => {
    const expires_in = expiresIn?.();
    const response = await fetch(endpoints.oidc_token, {
      method: "POST",
      body: JSON.stringify({ username, ...(expires_in === undefined ? {} : { expires_in }) }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  };
}

/** A name that no other test uses. */
export function uniqueName(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** A client in Node, for a user of the local issuer. */
export function clientOf(endpoints: Endpoints, username: string, options: Partial<ClientOptions> = {}): Client {
  const { environment, ...rest } = options;
  return createClient({
    http: endpoints.http,
    websocket: endpoints.websocket,
    getToken: tokensOf(endpoints, username),
    displayName: username,
    environment: { WebSocket: WebSocket as unknown as SocketClass, ...environment },
    ...rest,
  });
}

/** Waits for a state; the error says what was there instead. */
export async function until<T>(
  observable: { get: () => T; subscribe: (listener: () => void) => () => void },
  condition: (value: T) => boolean,
  what: string,
): Promise<T> {
  try {
    return await when(observable, condition, AbortSignal.timeout(PATIENCE));
  } catch {
    throw new Error(`${what}: ${JSON.stringify(observable.get())}`);
  }
}

/** Waits until a client has caught up with everything. */
export async function caughtUp(client: Client): Promise<void> {
  await until(client.connection, ({ caughtUp }) => caughtUp, "the client does not catch up");
}

/** The texts of a timeline; deleted ones are `null`. */
export function textsOf({ messages }: Timeline): (string | null)[] {
  return messages.flatMap((message) =>
    message.kind === "text" ? [message.text] : message.kind === "deleted" ? [null] : [],
  );
}
