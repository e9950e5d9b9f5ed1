/** Kinds of items. */

import type { Item, LogEvent, Message, TextContent } from "./objects.js";

/** Returns true for an item that changes an earlier one, and is not shown itself. */
export function isEvent(item: Item): item is LogEvent {
  return item.kind === "message_edited" || item.kind === "message_deleted" || item.kind === "reaction";
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
  const { text, reply_to_seq, mentions, attachments } = content;
  return {
    ...{ conversation_id, seq, message_id, sender_id, sent_at, edited_at: event.sent_at, kind: "text", text },
    ...(client_message_id === undefined ? {} : { client_message_id }),
    ...(reactions === undefined ? {} : { reactions }),
    ...(reply_to_seq === undefined ? {} : { reply_to_seq }),
    ...(mentions === undefined ? {} : { mentions }),
    ...(attachments === undefined ? {} : { attachments }),
  };
}
