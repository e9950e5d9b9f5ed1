/**
 * Holds the types of this client against docs/openapi.yaml and docs/asyncapi.yaml. `tsc` checks it: nothing here runs.
 *
 * `npm run types` writes the types of the specifications beside it. A schema that is new belongs into one of the lists below.
 */

import type * as http from "../../src/http/conversations.js";
import type { DownloadLink, Announcement } from "../../src/http/files.js";
import type { HistoryAround, HistoryPage, MentionsPage } from "../../src/http/messages.js";
import type * as ours from "../../src/protocol/index.js";
import type { Schemas as Frames } from "./generated/asyncapi.js";
import type { Schemas as Bodies } from "./generated/openapi.js";

/** A type without names: as plain objects, with lists in the place of tuples, and either boolean in the place of one. */
type Plain<T> = T extends boolean
  ? boolean
  : T extends string | number | null | undefined
    ? T
    : T extends readonly (infer E)[]
      ? Plain<Shown<E>>[]
      : { -readonly [K in keyof T]: Plain<Shown<T[K]>> };

/** Messages have one schema with events, which some answers never have. Both are compared where they stand alone. */
type Shown<T> = T extends { kind: ours.EventKind["kind"] } ? never : T;

// Identical, and not merely assignable: optional fields that only one of them has are a difference.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- compared by their unresolved conditions
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The names whose types differ in a field, its presence, or its type. */
type Differing<Ours, Theirs> = {
  [K in keyof Ours]: K extends keyof Theirs ? (Same<Plain<Ours[K]>, Plain<Theirs[K]>> extends true ? never : K) : K;
}[keyof Ours];

/** The fields of a type, or of all members of a union. */
type Fields<T> = T extends unknown ? keyof T : never;

/** The names of requests that the server does not take, or in which it takes fields that this client does not know. */
type Refused<Ours, Theirs> = {
  [K in keyof Ours]: K extends keyof Theirs
    ? [Plain<Ours[K]>] extends [Plain<Theirs[K]>]
      ? Same<Fields<Ours[K]>, Fields<Theirs[K]>> extends true
        ? never
        : K
      : K
    : K;
}[keyof Ours];

/** The names of answers that lack a field of ours, or have another type there. */
type Lacking<Ours, Theirs> = {
  [K in keyof Ours]: K extends keyof Theirs ? ([Plain<Theirs[K]>] extends [Plain<Ours[K]>] ? never : K) : K;
}[keyof Ours];

/** Fails to compile with the names that are not `never`. */
type Nothing<T extends never> = T;

/** What the server sends over both transports. */
interface Objects {
  AddedMember: ours.RoleOfMember;
  Attachment: ours.Attachment;
  Content: ours.TextContent;
  Conversation: ours.Conversation;
  ConversationSettings: ours.Settings;
  ConversationType: ours.ConversationType;
  Custom: ours.Custom;
  Export: ours.Export;
  ExportFailure: ours.ExportFailure;
  ExportState: ours.Export["state"];
  ExportedMessages: "sent" | "visible";
  File: ours.File;
  FileStatus: ours.File["status"];
  HistoryPolicy: ours.HistoryPolicy;
  Message: ours.Item;
  NotificationLevel: ours.NotificationLevel;
  ReactionCount: ours.ReactionCount;
  Rejection: ours.Rejection;
  Role: ours.Role;
  SyncedConversation: ours.SyncedConversation;
}

/** What it sends in frames. */
interface FrameObjects extends Objects {
  Receipt: ours.Receipt;
  ReceiptKind: ours.Receipt["kind"];
  Synced: Omit<Extract<ours.Answer, { type: "synced" }>, "type">;
  Unread: ours.Unread;
}

/** What it sends with fields of which this client uses a part. Errors are read leniently, as API Gateway has its own. */
interface UsedInPart {
  ErrorBody: ours.ErrorBody;
  ErrorCode: string;
  Sent: ours.Sent;
  SentBatch: Omit<Extract<ours.Answer, { messages: unknown }>, "type">;
  SentEntry: ours.SentEntry;
}

/** What it sends in bodies. */
interface BodyObjects extends Objects {
  Announced: { file: ours.File; upload?: ours.Upload };
  AroundPage: HistoryAround;
  ConversationsPage: { conversations: ours.Conversation[]; cursor: string | null };
  Download: DownloadLink;
  Hit: ours.SearchHit;
  HistoryPage: HistoryPage;
  Member: ours.Member;
  MemberWatermarks: ours.MemberReceipts;
  MentionsPage: MentionsPage;
  Presence: ours.Presence;
  PublicConversation: ours.PublicConversation;
  RecipientStatus: ours.RecipientStatus;
  SignedPart: ours.SignedPart;
  SignedRequest: ours.SignedRequest;
  Upload: ours.Upload;
  User: ours.Profile;
  UserEntry: ours.User;
  Watermark: ours.Watermark;
}

/** A frame of this client, without what all frames have. */
type FrameOf<Action> = Omit<Extract<ours.ClientFrame, { action: Action }>, "action" | "id">;

/** What this client sends in frames. */
interface FrameRequests {
  DraftRequest: ours.SendMessage & { after_seq?: number };
  ReceiptsRequest: FrameOf<"ack" | "read">;
  SubscribeRequest: FrameOf<"open" | "close">;
  SyncRequest: FrameOf<"sync">;
  TypingRequest: FrameOf<"typing">;
}

/** What it sends in bodies. */
interface BodyRequests {
  CreateConversationRequest: http.NewConversation;
  NewFile: Announcement;
  SettingsChange: http.SettingsChange;
  UpdateConversationRequest: http.ConversationChange;
  UpdateMemberRequest: http.MemberChange;
}

/** Ids, times and names: texts and numbers. */
type Scalars =
  | "AvatarId"
  | "ClientMessageId"
  | "ContentType"
  | "ConversationId"
  | "Emoji"
  | "ExportId"
  | "FileId"
  | "FileName"
  | "MessageId"
  | "Seq"
  | "Sha256"
  | "Timestamp"
  | "UserId";

/** Scalars of what is above, and more than one of them. */
type Composed = "PingRequest" | "ReceiptEntry" | "SendRequest" | "SentAnswer";

export type Compared = [
  Nothing<Differing<FrameObjects, Frames>>,
  Nothing<Differing<BodyObjects, Bodies>>,
  Nothing<Lacking<UsedInPart, Frames>>,
  Nothing<Refused<FrameRequests, Frames>>,
  Nothing<Refused<BodyRequests, Bodies>>,
  Nothing<Exclude<keyof Frames, keyof FrameObjects | keyof UsedInPart | keyof FrameRequests | Scalars | Composed>>,
];
