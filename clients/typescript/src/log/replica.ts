/**
 * The client's copy of the newest part of one conversation's log.
 *
 * The cursor is the highest seq without a gap below it, the floor the seq after which the copy begins. The copy has every visible
 * item between them, events applied to their messages. Items at or below the cursor are dropped; items beyond the next seq are
 * held until the gap is filled.
 *
 * Reactions are counted from their events alone: a message that arrives by sync has counts that include events which still
 * follow. An event follows its message, so all events of a message after the floor are after the floor as well.
 */

import {
  deleted,
  edited,
  editedContent,
  erased,
  isEvent,
  type ErasureKind,
  type Item,
  type ItemFields,
  type LogEvent,
  type Message,
  type SyncedConversation,
  type TargetedKind,
} from "../protocol/index.js";

/** A message of the copy. */
export type KeptMessage = Message & {
  /** Users by emoji: what the counts in `reactions` are made of. */
  readonly reactors?: Readonly<Record<string, readonly string[]>>;
};

/** The part of a copy that a store keeps beside the messages. */
export interface ReplicaState {
  readonly cursor: number;
  readonly floor: number;
  readonly expired_seq: number;
}

/** What a step changed. */
export interface Applied {
  /** The items that became contiguous, lowest seq first. */
  readonly items: readonly Item[];
  /** Messages that are new or different. */
  readonly changed: readonly KeptMessage[];
  /** Events that concern messages at or below the floor. */
  readonly outside: readonly LogEvent[];
}

/** The copy of one conversation. */
export class Replica {
  cursor: number;
  floor: number;
  expiredSeq: number;
  /** False until the position of the copy is known: pushed items are held meanwhile. */
  started: boolean;
  /** The time since which a gap has been there. */
  gapSince: number | undefined;
  private readonly me: string;
  private readonly kept = new Map<number, KeptMessage>();
  private readonly held = new Map<number, Item>();

  /** Creates a copy for a user, as a store kept it, or one that has not started. */
  constructor(me: string, state?: ReplicaState, messages: readonly KeptMessage[] = []) {
    this.me = me;
    this.cursor = state?.cursor ?? 0;
    this.floor = state?.floor ?? 0;
    this.expiredSeq = state?.expired_seq ?? 0;
    this.started = state !== undefined;
    for (const message of messages) this.kept.set(message.seq, message);
  }

  /** The messages, lowest seq first. */
  get messages(): readonly KeptMessage[] {
    return [...this.kept.values()];
  }

  /** The message at a seq, if the copy has it. */
  message(seq: number): KeptMessage | undefined {
    return this.kept.get(seq);
  }

  /** The state to keep. */
  get state(): ReplicaState {
    return { cursor: this.cursor, floor: this.floor, expired_seq: this.expiredSeq };
  }

  /** Begins the copy, or begins it anew: nothing at or below this seq is copied. */
  startAfter(seq: number, now: number): Applied {
    if (this.started) this.kept.clear();
    this.started = true;
    this.floor = this.cursor = seq;
    return this.advance([], now);
  }

  /** Adds a pushed item. */
  receive(item: Item, now: number): Applied {
    this.hold(item);
    return this.advance([], now);
  }

  /** Adds the result of a sync from a cursor that is not above this one. */
  catchUp(synced: SyncedConversation, now: number): Applied {
    for (const item of synced.messages) this.hold(item);
    const applied = this.advance(synced.hidden, now);
    // A gap that is left was synced at this very moment, so it is held again before the next sync.
    this.gapSince = this.held.size > 0 ? now : undefined;
    return applied;
  }

  /** Forgets what has expired. Returns true if that is news. */
  expire(expiredSeq: number): boolean {
    if (expiredSeq <= this.expiredSeq) return false;
    this.expiredSeq = expiredSeq;
    for (const seq of this.kept.keys()) if (seq <= expiredSeq) this.kept.delete(seq);
    return true;
  }

  /** Shortens the copy to its newest messages, once it is a quarter longer. Returns true if the floor has moved. */
  trim(most: number): boolean {
    if (this.kept.size <= most * 1.25) return false;
    let floor = this.floor;
    for (const seq of this.kept.keys()) {
      if (this.kept.size <= most) break;
      this.kept.delete(seq);
      floor = seq;
    }
    this.floor = floor;
    return true;
  }

  /** Returns true if a gap has been held for so long; then it counts as a new gap. */
  gapIsOver(now: number, held: number): boolean {
    const over = this.gapSince !== undefined && this.gapSince + held <= now;
    if (over) this.gapSince = now;
    return over;
  }

  private hold(item: Item): void {
    if (item.seq > this.cursor || !this.started) this.held.set(item.seq, item);
  }

  private advance(hidden: SyncedConversation["hidden"], now: number): Applied {
    const items: Item[] = [];
    const changed = new Map<number, KeptMessage>();
    const outside: LogEvent[] = [];
    if (!this.started) return { items, changed: [], outside };
    const before = this.cursor;
    for (;;) {
      const next = this.cursor + 1;
      const item = this.held.get(next);
      const range = hidden.find(([first, last]) => first <= next && next <= last);
      if (item !== undefined) {
        this.cursor = next;
        items.push(item);
        for (const message of this.apply(item)) changed.set(message.seq, message);
        if (isEvent(item) && (item.kind === "user_erased" || item.target_seq <= this.floor)) outside.push(item);
      } else if (range !== undefined) {
        this.cursor = range[1];
      } else {
        break;
      }
    }
    for (const seq of this.held.keys()) if (seq <= this.cursor) this.held.delete(seq);
    if (this.held.size === 0) this.gapSince = undefined;
    else if (this.gapSince === undefined || this.cursor > before) this.gapSince = now;
    return { items, changed: [...changed.values()], outside };
  }

  /** Applies an item; returns the messages that are new or different. */
  private apply(item: Item): readonly KeptMessage[] {
    let messages: readonly (KeptMessage | undefined)[];
    if (!isEvent(item)) messages = item.seq > this.expiredSeq ? [withoutReactions(item)] : [];
    else if (item.kind === "user_erased")
      messages = [...this.kept.values()].map((message) => withoutUser(message, item, this.me));
    else messages = [this.applyEvent(item)];
    const changed = messages.filter((message) => message !== undefined);
    for (const message of changed) this.kept.set(message.seq, message);
    return changed;
  }

  private applyEvent(event: ItemFields & TargetedKind): KeptMessage | undefined {
    const target = this.kept.get(event.target_seq);
    if (target === undefined) return undefined;
    switch (event.kind) {
      case "message_deleted":
        return deleted(target, event);
      case "message_edited": {
        const content = editedContent(event);
        if (content === undefined || target.kind !== "text") return undefined;
        const message = edited(target, content, event);
        return target.reactors === undefined ? message : { ...message, reactors: target.reactors };
      }
      case "reaction":
        return target.kind === "text" ? reacted(target, event, this.me) : undefined;
    }
  }
}

function withoutReactions(message: Message): KeptMessage {
  if (message.reactions === undefined) return message;
  const { reactions: _, ...rest } = message;
  return rest;
}

/** Returns the message without the words and reactions of an erased user; `undefined` if it has none. */
function withoutUser(message: KeptMessage, event: ItemFields & ErasureKind, me: string): KeptMessage | undefined {
  const rest = erased(message, event);
  if (rest !== undefined) return rest;
  const reactors = Object.entries(message.reactors ?? {});
  if (!reactors.some(([, users]) => users.includes(event.user_id))) return undefined;
  const others = reactors.map(([emoji, users]) => [emoji, users.filter((user) => user !== event.user_id)] as const);
  return withReactors(message, Object.fromEntries(others.filter(([, users]) => users.length > 0)), me);
}

/** Returns the message with one more or one less reaction. */
function reacted(target: KeptMessage, event: Extract<LogEvent, { kind: "reaction" }>, me: string): KeptMessage {
  const others = (target.reactors?.[event.emoji] ?? []).filter((user) => user !== event.sender_id);
  const users = event.on ? [...others, event.sender_id] : others;
  const { [event.emoji]: _, ...rest } = target.reactors ?? {};
  // An emoji keeps its place among the others while somebody reacts with it.
  return withReactors(target, users.length > 0 ? { ...target.reactors, [event.emoji]: users } : rest, me);
}

function withReactors(message: KeptMessage, reactors: Record<string, readonly string[]>, me: string): KeptMessage {
  const reactions = Object.entries(reactors).map(([emoji, users]) => ({
    emoji,
    count: users.length,
    mine: users.includes(me),
  }));
  return { ...message, reactors, reactions };
}
