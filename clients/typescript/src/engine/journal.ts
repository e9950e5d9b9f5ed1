/** Brings changes to the store, to the state of this tab, and then to other tabs. */

import type { KeptMessage } from "../log/replica.js";
import type { Outgoing } from "../sending/outgoing.js";
import type { Change } from "../state/change.js";
import type { KeptConversation, Store, StoreChanges } from "../store/store.js";

/** Where changes go. */
export interface Readers {
  /** This tab, at once. */
  here(changes: readonly Change[]): void;
  /** Other tabs, once the store has the changes: a tab that begins to listen later finds them there. */
  elsewhere(changes: readonly Change[]): void;
  /** The store failed, for example because the disk is full. The client goes on from memory. */
  storeFailed(error: unknown): void;
}

/** Collects the changes of one step. */
export class Journal {
  private changes: Change[] = [];
  private readonly conversations = new Map<string, KeptConversation>();
  private messages: KeptMessage[] = [];
  private forgotten: { conversation_id: string; through: number }[] = [];
  private readonly waiting = new Map<string, Outgoing>();
  private readonly ended = new Set<string>();
  private writing: Promise<unknown> = Promise.resolve();
  private readonly store: Store;
  private readonly readers: Readers;

  constructor(store: Store, readers: Readers) {
    this.store = store;
    this.readers = readers;
  }

  /** A change that the store does not keep. */
  tell(change: Change): void {
    this.changes.push(change);
  }

  /** A conversation is new or different. */
  keepConversation(kept: KeptConversation): void {
    this.conversations.set(kept.conversation.conversation_id, kept);
  }

  /** Messages are new or different. */
  keepMessages(conversation_id: string, messages: readonly KeptMessage[]): void {
    if (messages.length === 0) return;
    this.messages.push(...messages);
    this.tell({ type: "messages", conversation_id, messages });
  }

  /** Messages up to a seq are not kept any more. */
  forget(conversation_id: string, through: number): void {
    this.messages = this.messages.filter(
      (message) => message.conversation_id !== conversation_id || message.seq > through,
    );
    this.forgotten.push({ conversation_id, through });
  }

  /** A message waits to be sent, or has another state. */
  keepOutgoing(outgoing: Outgoing): void {
    this.waiting.set(outgoing.client_message_id, outgoing);
    this.tell({ type: "outgoing", outgoing });
  }

  /** A message has its seq, or was discarded. */
  settle({ conversation_id, client_message_id }: Outgoing, seq?: number): void {
    this.waiting.delete(client_message_id);
    this.ended.add(client_message_id);
    this.tell({ type: "settled", conversation_id, client_message_id, ...(seq === undefined ? {} : { seq }) });
  }

  /** Shows the changes here, and writes them; then tells other tabs, and calls `then`. */
  flush(then?: () => void): void {
    for (const kept of this.conversations.values()) this.changes.push({ type: "conversation", kept });
    const { changes } = this;
    const writes = this.takeWrites();
    this.changes = [];
    if (changes.length > 0) this.readers.here(changes);
    if (changes.length === 0 && writes === undefined && then === undefined) return;
    this.writing = this.writing
      .then(() => (writes === undefined ? undefined : this.store.commit(writes)))
      .catch((error: unknown) => {
        this.readers.storeFailed(error);
      })
      .then(() => {
        if (changes.length > 0) this.readers.elsewhere(changes);
        then?.();
      });
  }

  /** Resolves once everything so far is written. */
  async written(): Promise<void> {
    await this.writing;
  }

  private takeWrites(): StoreChanges | undefined {
    const writes = {
      conversations: [...this.conversations.values()],
      messages: this.messages,
      forgotten: this.forgotten,
      outgoing: [...this.waiting.values()],
      settled: [...this.ended],
    };
    this.conversations.clear();
    this.messages = [];
    this.forgotten = [];
    this.waiting.clear();
    this.ended.clear();
    return Object.values(writes).some((list) => list.length > 0) ? writes : undefined;
  }
}
