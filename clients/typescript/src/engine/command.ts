/** What a tab asks of the leader. */

import type { Conversation, Receipt, Settings } from "../protocol/index.js";
import type { Outgoing } from "../sending/outgoing.js";

/** A command. Messages to send are in the store before their command: it only says that they are there. */
export type Command =
  | { readonly type: "send"; readonly outgoing: Outgoing }
  | { readonly type: "discard"; readonly outgoing: Outgoing }
  | { readonly type: "read"; readonly conversation_id: string; readonly seq: number }
  | { readonly type: "subscribe"; readonly conversation_id: string; readonly open: boolean; readonly tab: string }
  | { readonly type: "typing"; readonly conversation_id: string; readonly typing: boolean }
  /** Watermarks that a request has returned. */
  | { readonly type: "receipts"; readonly receipts: readonly Receipt[] }
  /** A conversation that a request has returned. */
  | { readonly type: "learn"; readonly conversation: Conversation }
  /** Settings that a request has returned. */
  | { readonly type: "settings"; readonly conversation_id: string; readonly settings: Settings }
  | { readonly type: "sync" }
  | { readonly type: "reconnect" };
