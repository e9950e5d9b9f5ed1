/** Items of a log, for tests. */

import type { Item, LogEvent, Message, SyncedConversation } from "../../src/protocol/index.js";

export const ME = "00000000-0000-4000-8000-000000000001";
export const OTHER = "00000000-0000-4000-8000-000000000002";
export const CONVERSATION = "00000000-0000-4000-8000-0000000000c0";

const common = (seq: number) => ({
  conversation_id: CONVERSATION,
  seq,
  message_id: `message-${seq}`,
  sent_at: new Date(seq * 1000).toISOString(),
});

/** A text of another user, unless said otherwise. */
export function text(seq: number, words = `text ${seq}`, more: Partial<Message> = {}): Message {
  return { ...common(seq), sender_id: OTHER, kind: "text", text: words, ...more } as Message;
}

export function edit(seq: number, target_seq: number, words: string): LogEvent {
  return { ...common(seq), sender_id: OTHER, kind: "message_edited", target_seq, text: words };
}

export function deletion(seq: number, target_seq: number): LogEvent {
  return { ...common(seq), sender_id: OTHER, kind: "message_deleted", target_seq };
}

export function reaction(seq: number, target_seq: number, emoji: string, on: boolean, sender_id = OTHER): LogEvent {
  return { ...common(seq), sender_id, kind: "reaction", target_seq, emoji, on };
}

export function erasure(seq: number, user_id: string): LogEvent {
  return { ...common(seq), sender_id: user_id, kind: "user_erased", user_id };
}

export function synced(
  messages: readonly Item[],
  hidden: SyncedConversation["hidden"] = [],
  more = false,
): SyncedConversation {
  return { conversation_id: CONVERSATION, messages, hidden, head_seq: messages.at(-1)?.seq ?? 0, more };
}
