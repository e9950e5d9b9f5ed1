/**
 * The objects of the protocol, with the names that they have on the wire.
 *
 * `docs/protocol.md` has their meaning. Servers may add fields and kinds; everything here ignores what it does not know.
 */

/** The role of a member. */
export type Role = "owner" | "admin" | "member";

/** The type of a conversation. */
export type ConversationType = "private" | "group" | "public";

/** The part of the history that a member sees: from the time they joined on, or all of it. */
export type HistoryPolicy = "since_join" | "full";

/** A file as a message shows it. `width` and `height` are there for images with thumbnails. */
export interface Attachment {
  readonly file_id: string;
  readonly name: string;
  readonly content_type: string;
  /** Bytes. */
  readonly size: number;
  readonly width?: number;
  readonly height?: number;
}

/** What an app adds, which the server keeps and never reads: a JSON object of at most 4 KB. */
export type Custom = Readonly<Record<string, unknown>>;

/** The content of a text. */
export interface TextContent {
  readonly text: string;
  /** The message that this one answers. */
  readonly reply_to_seq?: number;
  /** Ids of members whom the text mentions. */
  readonly mentions?: readonly string[];
  readonly attachments?: readonly Attachment[];
  readonly custom?: Custom;
}

/** A user and their role, in system messages. */
export interface RoleOfMember {
  readonly user_id: string;
  readonly role: Role;
  readonly muted_until?: string;
}

/** A text, or the system message that took place of it or that a change of the conversation wrote. */
export type ShownKind =
  | ({ readonly kind: "text" } & TextContent)
  | {
      readonly kind: "deleted";
      readonly deleted_by?: string;
      readonly deleted_seq?: number;
      readonly deleted_at?: string;
    }
  | {
      readonly kind: "created";
      readonly conversation_type: ConversationType;
      readonly title?: string;
      readonly topic?: string;
      readonly custom?: Custom;
      readonly history: HistoryPolicy;
      readonly members: readonly RoleOfMember[];
    }
  | { readonly kind: "members_added"; readonly members: readonly RoleOfMember[] }
  | {
      readonly kind: "member_left";
      readonly promoted?: string;
      readonly closed: boolean;
      readonly user_deleted: boolean;
    }
  | { readonly kind: "member_removed"; readonly user_id: string }
  | { readonly kind: "role_changed"; readonly user_id: string; readonly role: Role }
  | { readonly kind: "member_muted"; readonly user_id: string; readonly muted_until: string | null }
  | { readonly kind: "title_changed"; readonly title: string }
  | { readonly kind: "topic_changed"; readonly topic: string | null }
  | { readonly kind: "custom_changed"; readonly custom?: Custom }
  | { readonly kind: "retention_changed"; readonly retention_days?: number }
  | {
      readonly kind: "pins_changed";
      readonly message_seq: number;
      readonly on: boolean;
      /** All pinned messages from then on, rising. */
      readonly pinned_seqs: readonly number[];
    }
  | { readonly kind: "closed" };

/** An event that changes one earlier message. */
export type TargetedKind =
  | ({ readonly kind: "message_edited"; readonly target_seq: number } & Partial<TextContent>)
  | { readonly kind: "message_deleted"; readonly target_seq: number }
  | { readonly kind: "reaction"; readonly target_seq: number; readonly emoji: string; readonly on: boolean };

/** An event: everything that a user wrote before it is erased, and whoever has a copy forgets it. */
export interface ErasureKind {
  readonly kind: "user_erased";
  readonly user_id: string;
}

/** An event: it changes earlier messages, and is never shown itself. */
export type EventKind = TargetedKind | ErasureKind;

/** The reactions with one emoji. */
export interface ReactionCount {
  readonly emoji: string;
  readonly count: number;
  /** True if the reader is one of them. */
  readonly mine: boolean;
}

/** The fields that every item of a log has. */
export interface ItemFields {
  readonly conversation_id: string;
  /** The position in the log of the conversation. */
  readonly seq: number;
  readonly message_id: string;
  /** The user who acted. */
  readonly sender_id: string;
  readonly sent_at: string;
  /** The sender's own id of the message; only the sender gets it. */
  readonly client_message_id?: string;
  readonly edited_at?: string;
  readonly reactions?: readonly ReactionCount[];
}

/** A message that is shown: a text or a system message. */
export type Message = ItemFields & ShownKind;

/** An item that changes earlier messages. */
export type LogEvent = ItemFields & EventKind;

/** An item of the log. */
export type Item = Message | LogEvent;

/** The messages of a conversation of which a user is notified while no device shows it. */
export type NotificationLevel = "all" | "mentions" | "none";

/** What the caller has set for a conversation: on all devices, and for nobody else. */
export interface Settings {
  /** `all` if absent. */
  readonly notification_level?: NotificationLevel;
  /** Nothing is notified before, whatever the level. */
  readonly notifications_muted_until?: string;
  readonly archived?: true;
  readonly pinned?: true;
  /** Ends with the next read. */
  readonly marked_unread?: true;
}

/** A conversation as the caller sees it. */
export interface Conversation {
  readonly conversation_id: string;
  readonly type: ConversationType;
  readonly title?: string;
  readonly topic?: string;
  readonly custom?: Custom;
  /** The pinned messages, rising. Some may be deleted. */
  readonly pinned_seqs?: readonly number[];
  readonly retention_days?: number;
  /** Everything up to this seq is gone because of its age. */
  readonly expired_seq?: number;
  /** The other user of a private conversation. */
  readonly peer_id?: string;
  readonly history: HistoryPolicy;
  readonly closed: boolean;
  /** True if the caller blocks the other user of a private conversation. */
  readonly blocked?: true;
  readonly muted_until?: string;
  /** `null` for a former member. */
  readonly role: Role | null;
  readonly settings?: Settings;
  readonly member_count?: number;
  /** The highest seq that the caller can see. */
  readonly head_seq: number;
  readonly last_message_at: string | null;
  readonly last_message?: Message;
  /** Everything up to here is read by the caller. */
  readonly read_seq: number;
  /** Texts of others after `read_seq`; 100 stands for 100 or more. */
  readonly unread: number;
}

/** A user's profile. */
export interface Profile {
  readonly user_id: string;
  readonly display_name: string;
  readonly custom?: Custom;
  /** Names the user's picture; another one has another id. */
  readonly avatar_id?: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A user whose account was deleted; their messages keep their sender. */
export interface DeletedUser {
  readonly user_id: string;
  readonly deleted: true;
}

/** A user: a profile, or what a deleted account leaves. */
export type User = Profile | DeletedUser;

/** A member of a conversation. */
export interface Member extends RoleOfMember {
  /** The first seq of the current membership period. */
  readonly joined_seq: number;
  readonly joined_at: string;
}

/** A conversation that everybody may join, in the list of such conversations. */
export interface PublicConversation {
  readonly conversation_id: string;
  readonly title: string;
  readonly topic?: string;
  readonly member_count: number;
  readonly created_at: string;
  /** True if the caller is a member. */
  readonly member: boolean;
}

/** The reason for which a file was rejected. A server may have others. */
export type Rejection =
  | "size_mismatch"
  | "checksum_mismatch"
  | "type_mismatch"
  | "active_content"
  | "image_unreadable"
  | "image_too_large"
  | "abandoned";

/** One of the user's own files. */
export interface File extends Attachment {
  readonly conversation_id: string;
  /** 64 hex digits. */
  readonly sha256: string;
  readonly status: "pending" | "ready" | "rejected";
  readonly reason?: Rejection;
  readonly created_at: string;
}

/** A request that storage accepts without a token, to be sent exactly as it is. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expires_at: string;
}

/** The form of an upload: one request, or parts. */
export type Upload = SignedRequest | { readonly part_size: number; readonly part_count: number };

/** A signed request for one part of an upload. */
export interface SignedPart extends SignedRequest {
  readonly part_number: number;
}

/** A watermark of another user: they have received, or read, everything up to `seq`. */
export interface Receipt {
  readonly kind: "delivered" | "read";
  readonly conversation_id: string;
  readonly user_id: string;
  readonly seq: number;
  readonly at: string;
}

/** A watermark in a list of receipts. */
export interface Watermark {
  readonly seq: number;
  readonly at: string;
}

/** The watermarks of one member. */
export interface MemberReceipts {
  readonly user_id: string;
  readonly delivered: Watermark | null;
  readonly read: Watermark | null;
}

/** The receipts of one message by one recipient. */
export interface RecipientStatus {
  readonly user_id: string;
  readonly delivered_at: string | null;
  readonly read_at: string | null;
}

/** The presence of a member. */
export interface Presence {
  readonly user_id: string;
  readonly online: boolean;
  /** The end of their last connection; `null` while they are online, and when it is not known. */
  readonly last_seen_at: string | null;
}

/** The unread messages of a conversation after a read on one of the user's devices. */
export interface Unread {
  readonly conversation_id: string;
  readonly read_seq: number;
  readonly unread: number;
}

/** The reason for which an export failed. A server may have others. */
export type ExportFailure = "not_allowed" | "too_large" | "took_too_long" | "stalled";

/** An export, of what a user may see or of a conversation: a ZIP file of messages and files. */
export type Export = {
  readonly export_id: string;
  readonly files: boolean;
  readonly state: "running" | "ready" | "failed" | "cancelled";
  readonly reason?: ExportFailure;
  readonly created_at: string;
  readonly size?: number;
  readonly expires_at?: string;
  /** A link that needs no token, for an hour; only in answers over HTTP. */
  readonly url?: string;
  readonly url_expires_at?: string;
} & (
  | { readonly of: "user"; readonly user_id: string; readonly messages: "sent" | "visible" }
  | { readonly of: "conversation"; readonly conversation_id: string }
);

/** A part of a text that a search found: from and to, counted in code points. */
export type Highlight = readonly [start: number, end: number];

/** A message that a search found. */
export interface SearchHit {
  readonly message: Message;
  readonly highlights?: readonly Highlight[];
  readonly files?: readonly { readonly file_id: string; readonly highlights: readonly Highlight[] }[];
}
