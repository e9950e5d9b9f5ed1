/** The user's own receipts: watermarks that are reported until they are accepted, at most once a second. */

import type { Pace } from "../pace.js";
import { MAX_RECEIPTS, type ClientFrame } from "../protocol/index.js";

/** The receipts of one kind. */
export class OwnReceipts {
  private readonly pending = new Map<string, number>();
  private readonly accepted = new Map<string, number>();
  private inFlight: readonly (readonly [string, number])[] = [];
  private frames = 0;
  private notBefore = 0;
  private readonly action: "ack" | "read";
  private readonly pace: Pace;

  constructor(action: "ack" | "read", pace: Pace) {
    this.action = action;
    this.pace = pace;
  }

  /** Marks everything up to `seq`; a seq at or below an accepted one has no effect, unless it is to be reported `again`. */
  mark(conversation: string, seq: number, again = false): void {
    const accepted = again ? 0 : (this.accepted.get(conversation) ?? 0);
    if (seq > accepted && seq > (this.pending.get(conversation) ?? 0)) this.pending.set(conversation, seq);
  }

  /** Remembers that the server has this watermark. */
  known(conversation: string, seq: number): void {
    this.accepted.set(conversation, Math.max(seq, this.accepted.get(conversation) ?? 0));
  }

  /** The time of the next frame. */
  due(): number {
    return this.pending.size > 0 ? this.notBefore : Infinity;
  }

  /** The frame to send, if it is time. */
  frame(now: number): ClientFrame | undefined {
    if (this.due() > now) return undefined;
    this.inFlight = [...this.pending].slice(0, MAX_RECEIPTS);
    // An answer makes it sooner.
    this.notBefore = now + this.pace.answer;
    const receipts = this.inFlight.map(([conversation_id, seq]) => ({ conversation_id, seq }));
    return { action: this.action, id: `${this.action}/${++this.frames}`, receipts };
  }

  /**
   * Handles an answer. `settled` is true for receipts that were accepted, and for those that are refused for good. Returns the
   * watermarks that are settled.
   */
  answered(frame: string, settled: boolean, now: number): readonly (readonly [conversation: string, seq: number])[] {
    if (frame !== `${this.action}/${this.frames}`) return [];
    const done = settled ? this.inFlight : [];
    this.inFlight = [];
    for (const [conversation, seq] of done) {
      this.known(conversation, seq);
      if (this.pending.get(conversation) === seq) this.pending.delete(conversation);
    }
    this.notBefore = now + this.pace.receipts;
    return done;
  }

  /** No answer is to be expected any more. */
  interrupted(now: number): void {
    this.notBefore = now + this.pace.receipts;
  }
}
