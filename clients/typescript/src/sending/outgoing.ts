/** Messages that have no seq yet. */

import type { Attachment, Custom, ErrorBody, SendMessage, Sent, TextContent } from "../protocol/index.js";

/** A message to send. */
export interface Draft {
  /** The text; empty only with attachments. */
  readonly text: string;
  /** The message that this one answers. */
  readonly reply_to_seq?: number;
  /** Ids of members whom the text mentions. */
  readonly mentions?: readonly string[];
  /** Ready files of the user that were uploaded to the same conversation. */
  readonly attachments?: readonly Attachment[];
  /** What the app adds; at most 4 KB. */
  readonly custom?: Custom;
}

/** A message that waits for its seq. It is kept in the store, and survives a reload. */
export interface Outgoing {
  readonly client_message_id: string;
  readonly conversation_id: string;
  readonly draft: Draft;
  /** The position among the messages of the user: a time in milliseconds, with a fraction for those of the same millisecond. */
  readonly order: number;
  /** The cursor at the first attempt, which all resends repeat; absent before it. */
  readonly after_seq?: number;
  /** The messages of one batch have the same number; absent before the first attempt. */
  readonly batch?: number;
  /** The server's final refusal. The message stays until it is sent again or discarded. */
  readonly failed?: ErrorBody;
}

/** A message that has its seq now. */
export interface Settled {
  readonly outgoing: Outgoing;
  readonly sent: Sent;
}

/** Writes a message for a frame. */
export function writeMessage({ client_message_id, draft }: Outgoing): SendMessage {
  const { text, reply_to_seq, mentions, attachments, custom } = draft;
  return {
    client_message_id,
    text,
    ...(reply_to_seq === undefined ? {} : { reply_to_seq }),
    ...(mentions === undefined || mentions.length === 0 ? {} : { mentions }),
    ...(attachments === undefined || attachments.length === 0
      ? {}
      : { attachment_ids: attachments.map((file) => file.file_id) }),
    ...(custom === undefined ? {} : { custom }),
  };
}

/** The content of a draft, as the message will have it. */
export function contentOf({ text, reply_to_seq, mentions, attachments, custom }: Draft): TextContent {
  return {
    text,
    ...(reply_to_seq === undefined ? {} : { reply_to_seq }),
    ...(mentions === undefined || mentions.length === 0 ? {} : { mentions }),
    ...(attachments === undefined || attachments.length === 0 ? {} : { attachments }),
    ...(custom === undefined ? {} : { custom }),
  };
}
