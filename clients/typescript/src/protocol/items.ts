/** Kinds of items. */

import type { ErasureKind, Item, ItemFields, LogEvent, Message, TextContent } from "./objects.js";

const EVENTS: readonly string[] = ["message_edited", "message_deleted", "reaction", "user_erased"];

/** Returns true for an item that changes earlier ones, and is not shown itself. */
export function isEvent(item: Item): item is LogEvent {
  return EVENTS.includes(item.kind);
}

/** The new content of an edited message; `undefined` if the reader may not see it, or if a deletion follows. */
export function editedContent(event: Extract<LogEvent, { kind: "message_edited" }>): TextContent | undefined {
  return event.text === undefined ? undefined : { ...event, text: event.text };
}

/** Returns the message as a deletion leaves it. */
export function deleted(message: Message, event: LogEvent): Message {
  const { conversation_id, seq, message_id, sender_id, sent_at, client_message_id } = message;
  return {
    ...{ conversation_id, seq, message_id, sender_id, sent_at },
    ...(client_message_id === undefined ? {} : { client_message_id }),
    kind: "deleted",
    deleted_by: event.sender_id,
    deleted_seq: event.seq,
    deleted_at: event.sent_at,
  };
}

/** Returns the message with other content, as an edit leaves it. */
export function edited(message: Message, content: TextContent, event: LogEvent): Message {
  const { conversation_id, seq, message_id, sender_id, sent_at, client_message_id, reactions } = message;
  const { text, reply_to_seq, mentions, attachments, custom } = content;
  return {
    ...{ conversation_id, seq, message_id, sender_id, sent_at, edited_at: event.sent_at, kind: "text", text },
    ...(client_message_id === undefined ? {} : { client_message_id }),
    ...(reactions === undefined ? {} : { reactions }),
    ...(reply_to_seq === undefined ? {} : { reply_to_seq }),
    ...(mentions === undefined ? {} : { mentions }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(custom === undefined ? {} : { custom }),
  };
}

/** Returns the message as an event leaves it: the same one, if the event is about another, or about reactions. */
export function changedBy(message: Message, event: LogEvent): Message {
  if (event.kind === "user_erased") return erased(message, event) ?? message;
  if (event.target_seq !== message.seq || event.kind === "reaction") return message;
  if (event.kind === "message_deleted") return deleted(message, event);
  const content = editedContent(event);
  return content === undefined || message.kind !== "text" ? message : edited(message, content, event);
}

/**
 * Returns the message without what an erased user has written; `undefined` if it has nothing of that. A text is deleted, and so is
 * a change of title, topic or `custom`, whose words are the user's as well.
 */
export function erased(message: Message, event: ItemFields & ErasureKind): Message | undefined {
  if (message.sender_id !== event.user_id || message.seq >= event.seq) return undefined;
  switch (message.kind) {
    case "text":
    case "title_changed":
    case "topic_changed":
    case "custom_changed":
      return deleted(message, { ...event, sender_id: event.user_id });
    case "created": {
      const { title: _title, topic: _topic, custom: _custom, ...rest } = message;
      return rest;
    }
    default:
      return undefined;
  }
}
