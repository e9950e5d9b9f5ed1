/**
 * Messages to send.
 *
 * One send frame per conversation is under way, so that messages keep their order. It carries everything that was said while the
 * frame before it was under way: a batch, as far as it fits. So the busier a conversation, the cheaper each message.
 *
 * A batch is sent with the cursor of that moment, and its messages are resent with the same `after_seq` until each is answered:
 * the server finds every earlier attempt after that seq. A resend carries the messages of the batch that have no seq yet and no
 * others. The server writes them in order, so what is answered is the beginning of the batch.
 *
 * Only the error `behind` changes the `after_seq` of messages, and only after a sync up to the new one has not found them. A batch
 * that the server refuses for good is sent again message by message, so that each gets a verdict of its own.
 */

import { fullJitter, type Random } from "../connection/backoff.js";
import type { Pace } from "../pace.js";
import type { Answer, ClientFrame, ErrorBody, Item, Sent } from "../protocol/index.js";
import type { Outgoing, Settled } from "./outgoing.js";
import { Queue } from "./queue.js";

/** A frame to send, with the messages that have to be in the store before it leaves. */
export interface OutboxFrame {
  readonly frame: ClientFrame;
  readonly keep: readonly Outgoing[];
}

/** What follows from an answer. */
export interface Verdict {
  /** Messages that have their seq. The server does not push them to the connection that sent them. */
  readonly settled: readonly Settled[];
  /** Messages that are refused for good. */
  readonly failed: readonly Outgoing[];
  /** A conversation to sync before the next message can be sent. */
  readonly sync?: string;
}

const NOTHING: Verdict = { settled: [], failed: [] };

/** The messages of all conversations. */
export class Outbox {
  private readonly queues = new Map<string, Queue>();
  private frames = 0;
  private readonly pace: Pace;
  private readonly random: Random;

  constructor(pace: Pace, random: Random) {
    this.pace = pace;
    this.random = random;
  }

  /** Adds a message, unless it is there already. */
  add(message: Outgoing, now: number): void {
    if (message.failed !== undefined || this.find(message.client_message_id) !== undefined) return;
    const id = message.conversation_id;
    const queue = this.queues.get(id) ?? new Queue(id, now);
    this.queues.set(id, queue);
    queue.add(message);
  }

  /** True if an attempt of a message of this conversation may have succeeded without an answer. */
  hasAttempted(conversation: string): boolean {
    return (this.queues.get(conversation)?.batch.length ?? 0) > 0;
  }

  /** The time of the next step. */
  due(): number {
    let due = Infinity;
    for (const { stage } of this.queues.values()) {
      if (stage.kind !== "behind") due = Math.min(due, stage.kind === "ready" ? stage.at : stage.until);
    }
    return due;
  }

  /** The frames to send now. `cursor` tells the cursor of a conversation; `undefined` before it is known. */
  toSend(now: number, cursor: (conversation: string) => number | undefined): OutboxFrame[] {
    const frames: OutboxFrame[] = [];
    for (const [conversation, queue] of this.queues) {
      const { stage } = queue;
      if (stage.kind === "behind" || (stage.kind === "ready" ? stage.at : stage.until) > now) continue;
      let keep: readonly Outgoing[] = [];
      if (queue.batch.length === 0) {
        const after = cursor(conversation);
        if (after === undefined) {
          queue.stage = { kind: "ready", at: now + this.pace.answer };
          continue;
        }
        keep = queue.beginBatch(after, queue.messages[0]?.order ?? now);
      }
      queue.frame = ++this.frames;
      queue.attempts += 1;
      queue.stage = { kind: "in_flight", until: now + this.pace.answer };
      frames.push({ frame: queue.write(), keep });
    }
    return frames;
  }

  /** The cursor of a conversation is known now. */
  started(conversation: string, now: number): void {
    const queue = this.queues.get(conversation);
    if (queue?.stage.kind === "ready" && queue.attempts === 0) queue.stage = { kind: "ready", at: now };
  }

  /** Handles the answer to a frame. */
  answered(frame: string, answer: Answer, now: number): Verdict {
    const [, number, id] = frame.split("/");
    switch (answer.type) {
      case "sent": {
        if (!("messages" in answer)) {
          const settled = id === undefined ? undefined : this.settle(id, answer, now);
          return settled === undefined ? NOTHING : { settled: [settled], failed: [] };
        }
        const settled = answer.messages.flatMap((entry) => this.settle(entry.client_message_id, entry, now) ?? []);
        const rest = answer.error === undefined ? NOTHING : this.refused(Number(number), answer.error, now);
        return { ...rest, settled };
      }
      case "error":
        return this.refused(Number(number), answer.error, now);
      default:
        return NOTHING;
    }
  }

  /** Handles an item of the log, which may be a message whose answer was lost. */
  seen(item: Item, now: number): Settled | undefined {
    // Only the sender gets these ids.
    return item.client_message_id === undefined ? undefined : this.settle(item.client_message_id, item, now);
  }

  /** A sync has reached the head: messages that were `behind` and not found are sent with the new cursor. Returns them. */
  caughtUp(conversation: string, cursor: number, now: number): readonly Outgoing[] {
    const queue = this.queues.get(conversation);
    if (queue?.stage.kind !== "behind") return [];
    queue.stage = { kind: "ready", at: now };
    return queue.moveBatch(cursor);
  }

  /** No answer is to be expected any more: what is under way is repeated. */
  interrupted(now: number): void {
    for (const queue of this.queues.values()) if (queue.stage.kind === "in_flight") this.retryLater(queue, now, 0);
  }

  /** Handles the error of what has no seq after the answer to a frame. */
  private refused(frame: number, error: ErrorBody, now: number): Verdict {
    // If a later attempt is under way, its answer decides.
    const queue = [...this.queues.values()].find((queue) => queue.frame === frame && queue.batch.length > 0);
    const first = queue?.messages[0];
    if (queue === undefined || first === undefined) return NOTHING;
    if (error.code === "behind") {
      queue.stage = { kind: "behind" };
      return { ...NOTHING, sync: queue.conversation };
    }
    if (error.retryable || error.code === "token_expired") {
      this.retryLater(queue, now, error.retry_after_ms ?? 0);
    } else if (queue.carried.length > 1) {
      queue.oneByOne = true;
      queue.stage = { kind: "ready", at: now };
    } else {
      this.finish(queue, first, now);
      return { settled: [], failed: [{ ...first, failed: error }] };
    }
    return NOTHING;
  }

  private retryLater(queue: Queue, now: number, retryAfter: number): void {
    queue.stage = { kind: "ready", at: now + retryAfter + fullJitter(queue.attempts, this.pace.retry, this.random) };
  }

  /** Ends a message that has its seq; `undefined` if it was settled before, or never attempted. */
  private settle(id: string, { seq, message_id, sent_at }: Sent, now: number): Settled | undefined {
    const queue = this.find(id);
    const outgoing = queue?.messages.find((message) => message.client_message_id === id);
    if (queue === undefined || outgoing === undefined) return undefined;
    this.finish(queue, outgoing, now);
    return { outgoing, sent: { seq, message_id, sent_at } };
  }

  private finish(queue: Queue, message: Outgoing, now: number): void {
    const before = queue.messages[0]?.batch;
    queue.messages = queue.messages.filter((other) => other !== message);
    queue.attempts = 0;
    const next = queue.messages[0];
    if (next === undefined) this.queues.delete(queue.conversation);
    // What follows is another frame. Else the answer to this one is still to come.
    else if (next.batch !== before || (queue.oneByOne && queue.stage.kind !== "behind")) {
      if (next.batch !== before) queue.oneByOne = false;
      queue.stage = { kind: "ready", at: now };
    }
  }

  private find(id: string): Queue | undefined {
    return [...this.queues.values()].find(({ messages }) =>
      messages.some((message) => message.client_message_id === id),
    );
  }
}
