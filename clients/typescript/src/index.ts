/**
 * The client's half of the Palaver chat protocol.
 *
 * {@link createClient} makes a client. It keeps a copy of the user's conversations, sends what is said for as long as it takes, and
 * shows all of it as observable state. `Api` has the requests of the protocol without any of that.
 */

export { createClient, type Client } from "./client.js";
export type { ClientOptions } from "./options.js";
export type { ConversationHandle, Submitted } from "./conversation.js";
export { PalaverError, StoppedError, type Refusal } from "./errors.js";
export type { GetToken } from "./connection/token.js";
export type {
  Channel,
  ChannelClass,
  Digest,
  Environment,
  Locks,
  Put,
  PutRequest,
  Socket,
  SocketClass,
} from "./environment.js";
export { DEFAULT_PACE, type Pace } from "./pace.js";
export type { Draft, Outgoing } from "./sending/outgoing.js";
export type { ChatMessage, SendingState } from "./state/chat-message.js";
export type { ConnectionState } from "./state/change.js";
export type { ClientEvent } from "./state/model.js";
export type { Timeline } from "./state/conversation-model.js";
export { when, type Observable } from "./state/observable.js";
export type { UserDirectory } from "./state/user-directory.js";
export type { FileUpload, UploadSource, UploadState } from "./files/upload.js";
export { MemoryStore } from "./store/memory-store.js";
export { IndexedDbStore, type IndexedDb } from "./store/indexeddb-store.js";
export type { KeptConversation, Store, StoreChanges, StoredState, Watermarks } from "./store/store.js";
export type { KeptMessage, ReplicaState } from "./log/replica.js";
export type { Api } from "./http/api.js";
export type * from "./http/conversations.js";
export type * from "./http/exports.js";
export type * from "./http/files.js";
export type * from "./http/messages.js";
export type * from "./http/users.js";
export type * from "./protocol/errors.js";
export type * from "./protocol/objects.js";
