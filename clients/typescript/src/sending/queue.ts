/** The messages to one conversation, first in, first out. */

import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, type ClientFrame } from "../protocol/index.js";
import { writeMessage, type Outgoing } from "./outgoing.js";

/** The stage of the first messages: to be sent at a time, sent and to be answered until a time, or to be synced before. */
export type Stage =
  | { readonly kind: "ready"; readonly at: number }
  | { readonly kind: "in_flight"; readonly until: number }
  | { readonly kind: "behind" };

const BYTES = new TextEncoder();

/** A queue. Its first messages may be a batch: they were sent together, and are resent with the same `after_seq`. */
export class Queue {
  stage: Stage;
  /** True once the server has refused the batch: its messages are sent one by one. */
  oneByOne = false;
  /** Attempts since the last one that settled a message. */
  attempts = 0;
  /** Number of the newest frame. */
  frame = 0;
  messages: Outgoing[] = [];
  readonly conversation: string;

  constructor(conversation: string, now: number) {
    this.conversation = conversation;
    this.stage = { kind: "ready", at: now };
  }

  /** Adds a message in its order: attempted ones come before all others. */
  add(message: Outgoing): void {
    this.messages.push(message);
    this.messages.sort((a, b) => rank(a) - rank(b) || a.order - b.order);
  }

  /** The messages of the batch: those that were attempted together. */
  get batch(): readonly Outgoing[] {
    const number = this.messages[0]?.batch;
    return number === undefined ? [] : this.messages.filter((message) => message.batch === number);
  }

  /** Makes a batch of the messages that wait, as many as fit in a frame. Returns it as it is to be kept. */
  beginBatch(after_seq: number, batch: number): readonly Outgoing[] {
    let bytes = 0;
    const fitting = this.messages.slice(0, MAX_BATCH_MESSAGES).findIndex((message) => {
      if (message.batch !== undefined) return true;
      bytes += BYTES.encode(JSON.stringify(writeMessage(message))).length + 1;
      return bytes > MAX_BATCH_BYTES;
    });
    const count = Math.max(1, fitting < 0 ? Math.min(this.messages.length, MAX_BATCH_MESSAGES) : fitting);
    const taken = this.messages.slice(0, count).map((message) => ({ ...message, after_seq, batch }));
    this.messages.splice(0, count, ...taken);
    this.oneByOne = false;
    return taken;
  }

  /** Gives the batch another `after_seq`, after `behind`. Returns it as it is to be kept. */
  moveBatch(after_seq: number): readonly Outgoing[] {
    const moved = this.batch.map((message) => ({ ...message, after_seq }));
    this.messages.splice(0, moved.length, ...moved);
    return moved;
  }

  /** The messages that the next frame carries. */
  get carried(): readonly Outgoing[] {
    return this.oneByOne ? this.batch.slice(0, 1) : this.batch;
  }

  /** Writes the next frame of the batch. */
  write(): ClientFrame {
    const messages = this.carried.map(writeMessage);
    const [only] = messages;
    const common = {
      action: "send",
      conversation_id: this.conversation,
      after_seq: this.messages[0]?.after_seq ?? 0,
    } as const;
    if (only !== undefined && messages.length === 1)
      return { ...common, id: `send/${this.frame}/${only.client_message_id}`, ...only };
    return { ...common, id: `send/${this.frame}`, messages };
  }
}

function rank(message: Outgoing): number {
  return message.batch ?? Infinity;
}
