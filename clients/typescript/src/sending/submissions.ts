/** Messages that this tab hands over, and the promises that wait for them. */

import type { Submitted } from "../conversation.js";
import type { Command } from "../engine/command.js";
import type { Environment } from "../environment.js";
import { PalaverError, type StoppedError } from "../errors.js";
import type { Model } from "../state/model.js";
import type { Store } from "../store/store.js";
import type { Draft, Outgoing } from "./outgoing.js";

interface Waiter {
  resolve(seq: number): void;
  reject(error: Error): void;
}

/** What submissions work with. */
export interface SubmissionParts {
  readonly store: Store;
  readonly environment: Environment;
  readonly model: Model;
  readonly command: (command: Command) => void;
  readonly onError: (error: unknown) => void;
}

/** A message is in the store before the leader is told of it, so whoever leads next finds it. */
export class Submissions {
  private readonly waiters = new Map<string, Waiter[]>();
  private readonly outcomes = new Map<string, number | Error>();
  private lastOrder = 0;
  private writing: Promise<void> = Promise.resolve();
  private readonly parts: SubmissionParts;

  constructor(parts: SubmissionParts) {
    this.parts = parts;
  }

  /** Hands a message over. */
  submit(conversation_id: string, draft: Draft): Submitted {
    return this.hand({
      client_message_id: this.parts.environment.randomUUID(),
      conversation_id,
      draft,
      order: this.nextOrder(),
    });
  }

  /** Hands a refused message over again. It keeps its `after_seq`: an attempt whose answer was lost may have succeeded. */
  resubmit(conversationId: string, id: string): Submitted | undefined {
    const failed = this.failedMessage(conversationId, id);
    if (failed === undefined) return undefined;
    const { failed: _, batch, ...rest } = failed;
    const order = this.nextOrder();
    return this.hand({ ...rest, order, ...(batch === undefined ? {} : { batch: order }) });
  }

  /** Removes a refused message. */
  discard(conversationId: string, id: string): void {
    const outgoing = this.failedMessage(conversationId, id);
    if (outgoing !== undefined) this.parts.command({ type: "discard", outgoing });
  }

  /** A message has its seq; `undefined` if it was discarded. */
  settled(id: string, seq: number | undefined): void {
    if (seq !== undefined) this.end(id, seq);
  }

  /** A message is refused for good. */
  failed(outgoing: Outgoing): void {
    if (outgoing.failed !== undefined) this.end(outgoing.client_message_id, new PalaverError(outgoing.failed));
  }

  /** Nobody is told of outcomes any more. */
  stop(error: StoppedError): void {
    for (const waiters of this.waiters.values()) for (const waiter of waiters) waiter.reject(error);
    this.waiters.clear();
  }

  private hand(outgoing: Outgoing): Submitted {
    const id = outgoing.client_message_id;
    this.outcomes.delete(id);
    this.waiters.set(id, []);
    this.parts.model.apply([{ type: "outgoing", outgoing }]);
    this.writing = this.writing
      .then(() => this.parts.store.commit({ outgoing: [outgoing] }))
      // It goes on from memory.
      .catch(this.parts.onError)
      .then(() => {
        this.parts.command({ type: "send", outgoing });
      });
    return { client_message_id: id, kept: this.writing, accepted: () => this.accepted(id) };
  }

  private accepted(id: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const outcome = this.outcomes.get(id);
      const waiters = this.waiters.get(id);
      if (outcome instanceof Error) reject(outcome);
      else if (outcome !== undefined) resolve(outcome);
      else if (waiters !== undefined) waiters.push({ resolve, reject });
    });
  }

  private end(id: string, outcome: number | Error): void {
    const waiters = this.waiters.get(id);
    if (waiters === undefined) return;
    this.waiters.delete(id);
    this.outcomes.set(id, outcome);
    for (const waiter of waiters) {
      if (outcome instanceof Error) waiter.reject(outcome);
      else waiter.resolve(outcome);
    }
  }

  private failedMessage(conversationId: string, id: string): Outgoing | undefined {
    const outgoing = this.parts.model.conversation(conversationId).waitingMessage(id);
    return outgoing?.failed === undefined ? undefined : outgoing;
  }

  /** The time, moved on within one millisecond. */
  private nextOrder(): number {
    this.lastOrder = Math.max(this.parts.environment.now(), this.lastOrder + 0.001);
    return this.lastOrder;
  }
}
