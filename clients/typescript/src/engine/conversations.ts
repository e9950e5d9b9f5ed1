/** What the leader knows of each conversation: the server's description, the copy of the log, watermarks. */

import { Replica, type KeptMessage } from "../log/replica.js";
import {
  erased,
  type Conversation,
  type ErasureKind,
  type ItemFields,
  type Receipt,
  type Unread,
} from "../protocol/index.js";
import type { KeptConversation, StoredState } from "../store/store.js";

/** A conversation and its copy. */
export interface Known {
  readonly replica: Replica;
  /** Absent until the server has described it. */
  kept: KeptConversation | undefined;
}

/** All conversations. */
export class Conversations {
  private readonly known = new Map<string, Known>();
  private readonly me: string;

  constructor(me: string, state: StoredState) {
    this.me = me;
    const messages = new Map<string, KeptMessage[]>();
    for (const message of state.messages) {
      const log = messages.get(message.conversation_id);
      if (log === undefined) messages.set(message.conversation_id, [message]);
      else log.push(message);
    }
    for (const kept of state.conversations) {
      const id = kept.conversation.conversation_id;
      this.known.set(id, { kept, replica: new Replica(me, kept.replica, messages.get(id)) });
    }
  }

  /** The conversation with this id; an empty one, if it is not known. */
  get(id: string): Known {
    let known = this.known.get(id);
    if (known === undefined) {
      known = { kept: undefined, replica: new Replica(this.me) };
      this.known.set(id, known);
    }
    return known;
  }

  /** All of them, by id. */
  all(): IterableIterator<[string, Known]> {
    return this.known.entries();
  }

  /** The cursor of a conversation; `undefined` before its copy has begun. */
  cursor(id: string): number | undefined {
    const replica = this.known.get(id)?.replica;
    return replica?.started === true ? replica.cursor : undefined;
  }
}

/** Takes over the server's description. What the user has read here, and the server does not know yet, stays read. */
export function described(kept: KeptConversation | undefined, conversation: Conversation): KeptConversation {
  if (kept === undefined) return { conversation, receipts: {}, acked_seq: 0 };
  const last = conversation.last_message ?? kept.conversation.last_message;
  const gone = last !== undefined && last.seq <= (conversation.expired_seq ?? 0);
  const read_seq = Math.max(conversation.read_seq, kept.conversation.read_seq);
  return {
    ...kept,
    conversation: { ...conversation, read_seq, ...(last === undefined || gone ? {} : { last_message: last }) },
  };
}

/** Applies a watermark of another user; `undefined` if it is not news. */
export function marked(kept: KeptConversation, { user_id, kind, seq }: Receipt): KeptConversation | undefined {
  const known = kept.receipts[user_id] ?? { delivered: 0, read: 0 };
  if (seq <= known[kind]) return undefined;
  return { ...kept, receipts: { ...kept.receipts, [user_id]: { ...known, [kind]: seq } } };
}

/** Applies a read of the user, on this device or another one. `unread` is the server's count, if it has said so. */
export function readUpTo(
  kept: KeptConversation,
  { read_seq, unread }: { read_seq: number; unread?: Unread["unread"] },
): KeptConversation | undefined {
  const { conversation } = kept;
  if (read_seq < conversation.read_seq) return undefined;
  return {
    ...kept,
    conversation: {
      ...conversation,
      read_seq,
      unread: unread ?? (read_seq > conversation.read_seq ? 0 : conversation.unread),
    },
  };
}

/** Takes what an erased user has written out of the description. */
export function withoutUser(kept: KeptConversation, event: ItemFields & ErasureKind): KeptConversation {
  const { last_message, ...conversation } = kept.conversation;
  const rest = last_message === undefined ? undefined : erased(last_message, event);
  return rest === undefined ? kept : { ...kept, conversation: { ...conversation, last_message: rest } };
}
