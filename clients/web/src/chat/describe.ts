import type { ChatMessage, Message } from "@palaver/client";

/** Puts a message in one line of words: a text as it is, a change of the conversation as a sentence. */
export function describe(message: Message | ChatMessage, name: (id: string) => string): string {
  const who = name(message.sender_id);
  switch (message.kind) {
    case "text":
      return message.text !== ""
        ? message.text
        : (message.attachments ?? []).map((file) => `📎 ${file.name}`).join(", ");
    case "deleted":
      return "Message deleted";
    case "created":
      return message.conversation_type === "private"
        ? "The conversation began"
        : `${who} created “${message.title ?? ""}”`;
    case "members_added":
      return `${who} added ${message.members.map(({ user_id }) => name(user_id)).join(", ")}`;
    case "member_left":
      return message.user_deleted ? `${who} deleted their account` : `${who} left`;
    case "member_removed":
      return `${who} removed ${name(message.user_id)}`;
    case "role_changed":
      return `${who} made ${name(message.user_id)} ${message.role === "member" ? "a member" : `an ${message.role}`}`;
    case "member_muted":
      return message.muted_until === null
        ? `${who} unmuted ${name(message.user_id)}`
        : `${who} muted ${name(message.user_id)}`;
    case "title_changed":
      return `${who} changed the title to “${message.title}”`;
    case "topic_changed":
      return message.topic === null ? `${who} removed the topic` : `${who} changed the topic to “${message.topic}”`;
    case "retention_changed":
      return message.retention_days === undefined
        ? `${who} has messages kept as long as others`
        : `${who} has messages deleted after ${message.retention_days} days`;
    case "pins_changed":
      return message.on ? `${who} pinned a message` : `${who} unpinned a message`;
    case "closed":
      return `${who} closed the conversation`;
    default:
      // Newer servers have more kinds.
      return "";
  }
}

/** The users whom a message names. */
export function namedIn(message: Message | ChatMessage): readonly string[] {
  switch (message.kind) {
    case "text":
      return [message.sender_id, ...(message.mentions ?? [])];
    case "members_added":
      return [message.sender_id, ...message.members.map(({ user_id }) => user_id)];
    case "member_removed":
    case "role_changed":
    case "member_muted":
      return [message.sender_id, message.user_id];
    default:
      return [message.sender_id];
  }
}
