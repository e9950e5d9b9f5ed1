/** The options of a client. */

import type { GetToken } from "./connection/token.js";
import type { Environment } from "./environment.js";
import type { Pace } from "./pace.js";
import type { Store } from "./store/store.js";

/** The options of {@link createClient}. */
export interface ClientOptions {
  /** The base of the HTTP API. */
  readonly http: string;
  /** The WebSocket API with its stage. */
  readonly websocket: string;
  /**
   * Returns an access token of the user. It is called when the client has none, shortly before the end of the last one, and after
   * one was refused.
   */
  readonly getToken: GetToken;
  /** The name of a user who has no profile yet. Without it, such a user has to be given one by `setProfile`. */
  readonly displayName?: string;
  /** Where conversations and unsent messages are kept; a new `MemoryStore` by default. */
  readonly store?: Store;
  /** Messages of a conversation that are kept: 200 by default. Earlier ones are loaded when somebody scrolls to them. */
  readonly keptMessages?: number;
  /** Items of a conversation that are synced when it is new to the client: 50 by default. */
  readonly initialItems?: number;
  /** Parts of the platform that it lacks, for example `WebSocket` in Node 20. */
  readonly environment?: Partial<Environment>;
  /** Other intervals. */
  readonly pace?: Partial<Pace>;
  /** Is told of failures that the client survives, such as a store that is full. `console.warn` by default. */
  readonly onError?: (error: unknown) => void;
}
