/**
 * Subscriptions to public conversations. They end with their connection, so they are renewed on every connection.
 *
 * One frame at a time for each conversation: two concurrent ones may be executed in any order.
 */

import type { Pace } from "../pace.js";
import type { ClientFrame } from "../protocol/index.js";
import { fullJitter, type Random } from "./backoff.js";

/** The outcome of a frame: accepted, not this time, or never. */
export type SubscriptionOutcome = "accepted" | "failed" | "refused";

interface Unconfirmed {
  inFlight: { readonly frame: string; readonly opens: boolean } | undefined;
  due: number;
  failures: number;
}

/** The subscriptions that are wanted, and those that the server has not confirmed yet. */
export class Subscriptions {
  private readonly open = new Set<string>();
  private readonly unconfirmed = new Map<string, Unconfirmed>();
  private frames = 0;
  private readonly pace: Pace;
  private readonly random: Random;

  constructor(pace: Pace, random: Random) {
    this.pace = pace;
    this.random = random;
  }

  /** Opens or closes a conversation, on this connection and all that follow. */
  set(conversation: string, open: boolean, now: number): void {
    if (this.open.has(conversation) === open) return;
    if (open) this.open.add(conversation);
    else this.open.delete(conversation);
    if (!this.unconfirmed.has(conversation)) this.unconfirmed.set(conversation, unsent(now));
  }

  /** A connection is up, on which nothing is open. */
  connected(now: number): void {
    this.unconfirmed.clear();
    for (const id of this.open) this.unconfirmed.set(id, unsent(now));
  }

  /** The time of the next frame. */
  due(): number {
    return Math.min(...[...this.unconfirmed.values()].map(({ due }) => due), Infinity);
  }

  /** The frames to send now. */
  toSend(now: number): ClientFrame[] {
    const frames: ClientFrame[] = [];
    for (const [conversation_id, wanted] of this.unconfirmed) {
      if (wanted.due > now) continue;
      const opens = this.open.has(conversation_id);
      const id = `subscription/${++this.frames}`;
      wanted.inFlight = { frame: id, opens };
      wanted.due = now + this.pace.answer;
      frames.push({ action: opens ? "open" : "close", id, conversation_id });
    }
    return frames;
  }

  /** Handles an answer. Returns a conversation that is subscribed from now on: what came before has to be synced. */
  answered(frame: string, outcome: SubscriptionOutcome, now: number): string | undefined {
    for (const [id, wanted] of this.unconfirmed) {
      if (wanted.inFlight?.frame !== frame) continue;
      const { opens } = wanted.inFlight;
      wanted.inFlight = undefined;
      if (outcome === "failed") {
        wanted.due = now + fullJitter(wanted.failures++, this.pace.retry, this.random);
      } else if (opens !== this.open.has(id)) {
        // Something else is wanted meanwhile.
        wanted.due = now;
      } else {
        this.unconfirmed.delete(id);
        if (outcome === "refused") this.open.delete(id);
        else if (opens) return id;
      }
      return undefined;
    }
    return undefined;
  }

  /** No answer is to be expected any more. */
  interrupted(now: number): void {
    for (const wanted of this.unconfirmed.values()) {
      if (wanted.inFlight === undefined) continue;
      wanted.inFlight = undefined;
      wanted.due = now + fullJitter(wanted.failures++, this.pace.retry, this.random);
    }
  }
}

function unsent(now: number): Unconfirmed {
  return { inFlight: undefined, due: now, failures: 0 };
}
