/** Messages as an application shows them. */

import type { ErrorBody, ItemFields, Message, ShownKind } from "../protocol/index.js";
import { contentOf, type Outgoing } from "../sending/outgoing.js";
import type { Ticks } from "./ticks.js";

/** The way of a message of one's own: on its way, accepted, received by all, read by all; or refused for good. */
export type SendingState = "sending" | "sent" | "delivered" | "read" | "failed";

/** A message that is shown. `seq` and `message_id` are absent until the server has accepted it. */
export type ChatMessage = Omit<ItemFields, "seq" | "message_id"> &
  ShownKind & {
    readonly seq?: number;
    readonly message_id?: string;
    /** The same before and after the message was accepted: a key for lists. */
    readonly key: string;
    /** True if the user sent it. */
    readonly mine: boolean;
    /** Of the user's own texts only. */
    readonly state?: SendingState;
    /** The refusal of a message that has `failed`. */
    readonly error?: ErrorBody;
  };

/** Shows a message of the log. */
export function shown(message: Message, me: string | undefined, ticks: Ticks): ChatMessage {
  const key = message.client_message_id ?? message.message_id;
  const state = stateOf(message, me, ticks);
  return { ...message, key, mine: message.sender_id === me, ...(state === undefined ? {} : { state }) };
}

/** The state of a message of the log: of the user's own texts only. */
export function stateOf(
  message: Message,
  me: string | undefined,
  { delivered, read }: Ticks,
): "read" | "delivered" | "sent" | undefined {
  if (message.sender_id !== me || message.kind !== "text") return undefined;
  return message.seq <= read ? "read" : message.seq <= delivered ? "delivered" : "sent";
}

/** Shows a message that waits to be sent. */
export function waiting(outgoing: Outgoing, me: string): ChatMessage {
  const { client_message_id, conversation_id, draft, order, failed } = outgoing;
  return {
    ...contentOf(draft),
    kind: "text",
    conversation_id,
    client_message_id,
    key: client_message_id,
    sender_id: me,
    sent_at: new Date(order).toISOString(),
    mine: true,
    ...(failed === undefined ? { state: "sending" } : { state: "failed", error: failed }),
  };
}
