/** A store that forgets everything when the program ends. */

import type { KeptMessage } from "../log/replica.js";
import type { Profile } from "../protocol/index.js";
import type { Outgoing } from "../sending/outgoing.js";
import type { KeptConversation, Store, StoreChanges, StoredState } from "./store.js";

/** Keeps data in memory: for programs without a disk, and for tests. */
export class MemoryStore implements Store {
  readonly name: string | undefined;
  private user: Profile | undefined;
  private readonly conversations = new Map<string, KeptConversation>();
  private readonly messages = new Map<string, Map<number, KeptMessage>>();
  private readonly waiting = new Map<string, Outgoing>();

  /** Creates a store; clients of one program may share one by a name. */
  constructor(name?: string) {
    this.name = name;
  }

  load(): Promise<StoredState> {
    const messages = [...this.messages.values()].flatMap((log) => [...log.values()].sort((a, b) => a.seq - b.seq));
    return Promise.resolve({ user: this.user, conversations: [...this.conversations.values()], messages });
  }

  outgoing(): Promise<readonly Outgoing[]> {
    return Promise.resolve([...this.waiting.values()].sort((a, b) => a.order - b.order));
  }

  commit(changes: StoreChanges): Promise<void> {
    this.user = changes.user ?? this.user;
    for (const kept of changes.conversations ?? []) this.conversations.set(kept.conversation.conversation_id, kept);
    for (const { conversation_id, through } of changes.forgotten ?? []) {
      const log = this.messages.get(conversation_id);
      for (const seq of log?.keys() ?? []) if (seq <= through) log?.delete(seq);
    }
    for (const message of changes.messages ?? []) {
      const log = this.messages.get(message.conversation_id) ?? new Map<number, KeptMessage>();
      this.messages.set(message.conversation_id, log.set(message.seq, message));
    }
    for (const message of changes.outgoing ?? []) this.waiting.set(message.client_message_id, message);
    for (const id of changes.settled ?? []) this.waiting.delete(id);
    return Promise.resolve();
  }

  clear(): Promise<void> {
    this.user = undefined;
    this.conversations.clear();
    this.messages.clear();
    this.waiting.clear();
    return Promise.resolve();
  }

  close(): void {
    // Nothing is open.
  }
}
