/** Changes of what a client shows. The leader makes them; they are sent to other tabs as they are, and may come twice. */

import type { Refusal } from "../errors.js";
import type { KeptMessage } from "../log/replica.js";
import type { Export, File, LogEvent, Message, Profile } from "../protocol/index.js";
import type { Outgoing } from "../sending/outgoing.js";
import type { KeptConversation } from "../store/store.js";

/** The state of the connection. */
export interface ConnectionState {
  /** `waiting` means that the last attempt failed and another one follows; `stopped` that none follows. */
  readonly status: "connecting" | "online" | "waiting" | "stopped";
  /** True once everything that was missed has been synced, until the connection is lost. */
  readonly caughtUp: boolean;
  /** The reason for which the client has stopped by itself. */
  readonly refusal?: Refusal;
}

/** A change. */
export type Change =
  | { readonly type: "user"; readonly user: Profile }
  | { readonly type: "connection"; readonly state: ConnectionState }
  | { readonly type: "conversation"; readonly kept: KeptConversation }
  | { readonly type: "messages"; readonly conversation_id: string; readonly messages: readonly KeptMessage[] }
  /** The copy of the log begins anew after a seq: earlier messages do not connect with it. */
  | { readonly type: "restarted"; readonly conversation_id: string; readonly floor: number }
  /** Events whose messages the leader does not keep; a tab may show them. */
  | { readonly type: "events"; readonly conversation_id: string; readonly events: readonly LogEvent[] }
  /** Messages that have just arrived, for notifications. */
  | { readonly type: "arrived"; readonly messages: readonly Message[] }
  | { readonly type: "outgoing"; readonly outgoing: Outgoing }
  | {
      readonly type: "settled";
      readonly conversation_id: string;
      readonly client_message_id: string;
      readonly seq?: number;
    }
  | { readonly type: "typing"; readonly conversation_id: string; readonly user_id: string; readonly typing: boolean }
  | { readonly type: "block"; readonly user_id: string; readonly blocked: boolean }
  | { readonly type: "file"; readonly file: File }
  | { readonly type: "export"; readonly export: Export };
