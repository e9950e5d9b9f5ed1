/** The pinned messages of a conversation, which may be older than what is loaded of its log. */

import { changedBy, type LogEvent, type Message } from "../protocol/index.js";

/** Copies of them, as of the last load, with what has happened since. */
export class PinnedMessages {
  private copies = new Map<number, Message>();
  private loads = 0;
  /** Events since the last load began: its answer may be from before them. */
  private missed: LogEvent[] | undefined;

  /** Begins a load, and gives up on one that is under way. Returns its number. */
  beginLoading(): number {
    this.missed = [];
    this.loads += 1;
    return this.loads;
  }

  /** Takes over what a load has found; `undefined` if it has failed. */
  endLoading(load: number, messages: readonly Message[] | undefined): void {
    if (load !== this.loads) return;
    const { missed = [] } = this;
    this.missed = undefined;
    if (messages === undefined) return;
    this.copies = new Map(messages.map((message) => [message.seq, message]));
    this.applyEvents(missed);
  }

  /** Takes over messages of the log. */
  add(messages: readonly Message[]): void {
    for (const message of messages) if (this.copies.has(message.seq)) this.copies.set(message.seq, message);
  }

  /** Applies events. */
  applyEvents(events: readonly LogEvent[]): void {
    this.missed?.push(...events);
    for (const event of events)
      for (const message of this.copies.values()) this.copies.set(message.seq, changedBy(message, event));
  }

  /** Forgets what has expired. */
  forget(through: number): void {
    for (const seq of this.copies.keys()) if (seq <= through) this.copies.delete(seq);
  }

  /** Returns those with these seqs, newest first, from the log where it has them. Deleted ones are left out. */
  shown(seqs: readonly number[], log: ReadonlyMap<number, Message>): readonly Message[] {
    const messages = seqs.flatMap((seq) => log.get(seq) ?? this.copies.get(seq) ?? []);
    return messages.filter(({ kind }) => kind === "text").reverse();
  }
}
