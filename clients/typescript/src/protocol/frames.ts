/** The frames that a client sends, and those that it receives. */

import { readError, type ErrorBody } from "./errors.js";
import type { Conversation, Custom, Export, File, Item, Receipt, Settings, Unread } from "./objects.js";

/** A message within a `send`. */
export interface SendMessage {
  readonly client_message_id: string;
  readonly text: string;
  readonly reply_to_seq?: number;
  readonly mentions?: readonly string[];
  readonly attachment_ids?: readonly string[];
  readonly custom?: Custom;
}

/** A frame of the client. `id` comes back as `reply_to` of its answer. */
export type ClientFrame = { readonly id: string } & (
  | ({ readonly action: "send"; readonly conversation_id: string; readonly after_seq: number } & (
      SendMessage | { readonly messages: readonly SendMessage[] }
    ))
  | { readonly action: "ack" | "read"; readonly receipts: readonly { conversation_id: string; seq: number }[] }
  | { readonly action: "sync"; readonly cursors?: Readonly<Record<string, number>>; readonly cursor?: string }
  | { readonly action: "typing"; readonly conversation_id: string; readonly typing: boolean }
  | { readonly action: "open" | "close"; readonly conversation_id: string }
  | { readonly action: "ping" }
);

/** The seq of a message that was appended. */
export interface Sent {
  readonly seq: number;
  readonly message_id: string;
  readonly sent_at: string;
}

/** The seq of a message that names its message. */
export interface SentEntry extends Sent {
  readonly client_message_id: string;
}

/** The state of one conversation in the answer to a sync. */
export interface SyncedConversation {
  readonly conversation_id: string;
  /** In lists only. */
  readonly conversation?: Conversation;
  readonly messages: readonly Item[];
  /** Seqs that are not for the caller: first and last of each range. */
  readonly hidden: readonly (readonly [first: number, last: number])[];
  readonly head_seq: number;
  readonly expired_seq?: number;
  readonly more: boolean;
}

/** The answer to a frame. */
export type Answer =
  | ({ readonly type: "sent" } & Sent)
  /** To a batch. */
  | { readonly type: "sent"; readonly messages: readonly SentEntry[]; readonly error?: ErrorBody }
  | { readonly type: "accepted" }
  | { readonly type: "synced"; readonly conversations: readonly SyncedConversation[]; readonly cursor: string | null }
  | { readonly type: "pong" }
  | { readonly type: "error"; readonly error: ErrorBody };

/** A push. It may be late, repeated or lost: the log is the source of truth. */
export type Push =
  | { readonly type: "items"; readonly items: readonly Item[] }
  | { readonly type: "receipts"; readonly receipts: readonly Receipt[] }
  | { readonly type: "unread"; readonly unread: readonly Unread[] }
  | { readonly type: "conversation_settings"; readonly conversation_id: string; readonly settings: Settings }
  | { readonly type: "block"; readonly user_id: string; readonly blocked: boolean }
  | { readonly type: "file"; readonly file: File }
  | { readonly type: "export"; readonly export: Export }
  | { readonly type: "typing"; readonly conversation_id: string; readonly user_id: string; readonly typing: boolean }
  | { readonly type: "token_expired" };

/** A frame of the server. */
export type ServerFrame =
  | { readonly kind: "answer"; readonly reply_to: string; readonly answer: Answer }
  | { readonly kind: "push"; readonly push: Push }
  /** API Gateway's own refusal. It does not name its frame, so any answer may be lost. */
  | { readonly kind: "gateway" }
  /** Nothing that this client knows. */
  | { readonly kind: "ignored" };

interface WireFrame {
  readonly type?: string;
  readonly reply_to?: string;
  readonly message?: unknown;
  readonly messages?: unknown;
  readonly error?: unknown;
  readonly conversations?: readonly SyncedConversation[];
}

const IGNORED: ServerFrame = { kind: "ignored" };

/** Reads a frame of the server. Never throws: what cannot be read is ignored. */
export function readFrame(text: string): ServerFrame {
  const frame = parseObject(text);
  if (frame === undefined) return IGNORED;
  if (typeof frame.type !== "string") return "message" in frame ? { kind: "gateway" } : IGNORED;
  switch (frame.type) {
    case "sent":
      return answer(frame, frame.error === undefined ? (frame as Answer) : withError(frame));
    case "accepted":
    case "pong":
    case "synced":
      return answer(frame, frame as Answer);
    case "error":
      return answer(frame, { type: "error", error: readError(frame.error) });
    case "message":
    case "message_edited":
    case "message_deleted":
    case "reaction":
      return { kind: "push", push: { type: "items", items: [frame.message as Item] } };
    case "messages":
      return { kind: "push", push: { type: "items", items: frame.messages as Item[] } };
    case "receipts":
    case "unread":
    case "conversation_settings":
    case "block":
    case "file":
    case "export":
    case "typing":
    case "token_expired":
      return { kind: "push", push: frame as Push };
    default:
      return IGNORED;
  }
}

/** Reads the answer to a batch of which a part was refused. */
function withError(frame: WireFrame): Answer {
  return { ...(frame as Extract<Answer, { readonly messages: unknown }>), error: readError(frame.error) };
}

function answer(frame: WireFrame, answer: Answer): ServerFrame {
  return { kind: "answer", reply_to: frame.reply_to ?? "", answer };
}

function parseObject(text: string): WireFrame | undefined {
  if (text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
