/** The schedule of syncs: after connecting, a little later, at intervals, and after a gap. */

import { fullJitter, type Random } from "../connection/backoff.js";
import type { Pace } from "../pace.js";
import { MAX_SYNC_CONVERSATIONS, type ClientFrame } from "../protocol/index.js";

/** The subject of a sync frame: a page of the list of conversations, or what follows in some of them. */
export type SyncSubject =
  | { readonly kind: "list"; readonly from: string | undefined }
  | { readonly kind: "conversations"; readonly ids: readonly string[] };

/** The schedule. One frame is under way at a time: answers are large, and each frame goes on where the last answer ended. */
export class SyncSchedule {
  private readonly needed = new Set<string>();
  private list: { readonly from: string | undefined } | undefined;
  private inFlight: { readonly subject: SyncSubject; readonly until: number } | undefined;
  private frames = 0;
  private failures = 0;
  private notBefore = 0;
  private second: number | undefined;
  private next = Infinity;
  private readonly pace: Pace;
  private readonly random: Random;

  constructor(pace: Pace, random: Random) {
    this.pace = pace;
    this.random = random;
  }

  /** A connection is up. */
  connected(now: number): void {
    this.needEverything();
    this.inFlight = undefined;
    this.notBefore = now;
    this.second = now + this.pace.secondSync;
    this.next = now + this.pace.sync;
  }

  /** Lists all conversations, also those that the client does not know yet. */
  needEverything(): void {
    this.list = { from: undefined };
  }

  /** Asks for what follows in a conversation. */
  need(conversation: string): void {
    this.needed.add(conversation);
  }

  /** True if nothing is to be asked now, or under way. */
  get idle(): boolean {
    return this.list === undefined && this.needed.size === 0 && this.inFlight === undefined;
  }

  /** The time of the next step. */
  due(): number {
    const asked = this.list !== undefined || this.needed.size > 0 ? this.notBefore : Infinity;
    return Math.min(this.inFlight?.until ?? asked, this.second ?? Infinity, this.next);
  }

  /** The frame to send, if it is time. `cursor` tells the cursor of a conversation. */
  frame(now: number, cursor: (conversation: string) => number): ClientFrame | undefined {
    if (this.second !== undefined && this.second <= now) {
      this.second = undefined;
      this.needEverything();
    }
    if (this.next <= now) {
      this.next = now + this.pace.sync;
      this.needEverything();
    }
    if (this.inFlight !== undefined && this.inFlight.until <= now) this.failed(now);
    if (this.inFlight !== undefined || this.notBefore > now) return undefined;
    const until = now + this.pace.answer;
    if (this.list !== undefined) {
      const { from } = this.list;
      this.list = undefined;
      this.inFlight = { subject: { kind: "list", from }, until };
      return { action: "sync", id: this.nextId(), ...(from === undefined ? {} : { cursor: from }) };
    }
    const ids = [...this.needed].slice(0, MAX_SYNC_CONVERSATIONS);
    if (ids.length === 0) return undefined;
    for (const id of ids) this.needed.delete(id);
    this.inFlight = { subject: { kind: "conversations", ids }, until };
    return { action: "sync", id: this.nextId(), cursors: Object.fromEntries(ids.map((id) => [id, cursor(id)])) };
  }

  /** Returns the subject of an answered frame; `undefined` if its answer is not awaited any more. */
  answered(frame: string): SyncSubject | undefined {
    if (frame !== `sync/${this.frames}`) return undefined;
    this.failures = 0;
    const subject = this.inFlight?.subject;
    this.inFlight = undefined;
    return subject;
  }

  /** A page of the list was not the last one. */
  listFrom(cursor: string): void {
    // Unless a list from the beginning is asked for.
    this.list ??= { from: cursor };
  }

  /** Schedules the failed sync again, a while from `now`, and not before the server allows it. */
  failed(now: number, retryAfter = 0): void {
    const subject = this.inFlight?.subject;
    this.inFlight = undefined;
    if (subject === undefined) return;
    if (subject.kind === "list") this.list ??= { from: subject.from };
    else for (const id of subject.ids) this.needed.add(id);
    this.notBefore = now + retryAfter + fullJitter(this.failures++, this.pace.retry, this.random);
  }

  private nextId(): string {
    return `sync/${++this.frames}`;
  }
}
