/** What a client keeps: the interface of stores. */

import type { KeptMessage, ReplicaState } from "../log/replica.js";
import type { Conversation, Profile } from "../protocol/index.js";
import type { Outgoing } from "../sending/outgoing.js";

/** The watermarks of a user in a conversation. */
export interface Watermarks {
  readonly delivered: number;
  readonly read: number;
}

/** A conversation, as it is kept. */
export interface KeptConversation {
  readonly conversation: Conversation;
  /** The position of the copy of its log; absent before the first sync. */
  readonly replica?: ReplicaState;
  /** Watermarks of other users. */
  readonly receipts: Readonly<Record<string, Watermarks>>;
  /** The seq up to which the server knows that this device has everything. */
  readonly acked_seq: number;
}

/** Everything that a store has, except the messages that wait to be sent. */
export interface StoredState {
  /** The user to whom all of it belongs; `undefined` for an empty store. */
  readonly user: Profile | undefined;
  readonly conversations: readonly KeptConversation[];
  /** Messages of all conversations, lowest seq first within each. */
  readonly messages: readonly KeptMessage[];
}

/** Changes that a store makes together. */
export interface StoreChanges {
  readonly user?: Profile;
  readonly conversations?: readonly KeptConversation[];
  readonly messages?: readonly KeptMessage[];
  /** Messages up to a seq that are not kept any more. */
  readonly forgotten?: readonly { readonly conversation_id: string; readonly through: number }[];
  readonly outgoing?: readonly Outgoing[];
  /** Client message ids. */
  readonly settled?: readonly string[];
}

/** Keeps a client's data. The client calls it in order, and decides how much is kept. */
export interface Store {
  /**
   * The name that tabs with the same data share; `undefined` for a store of one client alone. One client of a name is the leader:
   * it has the connection, and writes everything but new messages.
   */
  readonly name: string | undefined;
  /** Returns everything but the messages that wait to be sent. */
  load(): Promise<StoredState>;
  /** Returns the messages that wait to be sent, in their order. */
  outgoing(): Promise<readonly Outgoing[]>;
  /** Makes all changes, or none. Resolves once they survive the end of the program. */
  commit(changes: StoreChanges): Promise<void>;
  /** Forgets everything. */
  clear(): Promise<void>;
  /** Lets go of what the store holds open. */
  close(): void;
}
