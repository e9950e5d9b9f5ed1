/** Who types: the user, for others; and others, for the user. */

import type { Command } from "../engine/command.js";
import type { Environment } from "../environment.js";
import type { Pace } from "../pace.js";
import type { Cell } from "./observable.js";

/** Repeats the user's typing every few seconds, and ends that of others if its end does not come. */
export class TypingIndicators {
  private readonly sent = new Map<string, { at: number; stop: unknown }>();
  private readonly shown = new Map<string, unknown>();
  private readonly environment: Environment;
  private readonly pace: Pace;
  private readonly typists: (conversationId: string) => Cell<readonly string[]>;
  private readonly command: (command: Command) => void;

  constructor(
    environment: Environment,
    pace: Pace,
    typists: (conversationId: string) => Cell<readonly string[]>,
    command: (command: Command) => void,
  ) {
    this.environment = environment;
    this.pace = pace;
    this.typists = typists;
    this.command = command;
  }

  /** The user has pressed a key, or is done. */
  typed(conversation_id: string, typing: boolean): void {
    const { now, setTimeout, clearTimeout } = this.environment;
    const before = this.sent.get(conversation_id);
    if (before !== undefined) clearTimeout(before.stop as never);
    if (!typing) {
      this.sent.delete(conversation_id);
      if (before !== undefined) this.command({ type: "typing", conversation_id, typing });
      return;
    }
    const due = before === undefined || before.at + this.pace.typing <= now();
    if (due) this.command({ type: "typing", conversation_id, typing });
    const stop = setTimeout(
      () => {
        this.typed(conversation_id, false);
      },
      this.pace.typing + this.pace.typing / 4,
    );
    this.sent.set(conversation_id, { at: due ? now() : before.at, stop });
  }

  /** Another user types, or has stopped. */
  received(conversationId: string, userId: string, typing: boolean): void {
    const { setTimeout, clearTimeout } = this.environment;
    const key = `${conversationId} ${userId}`;
    clearTimeout(this.shown.get(key) as never);
    this.shown.delete(key);
    const cell = this.typists(conversationId);
    const others = cell.get().filter((user) => user !== userId);
    if (typing) {
      const end = setTimeout(() => {
        this.received(conversationId, userId, false);
      }, this.pace.typingShown);
      this.shown.set(key, end);
    }
    if (typing || others.length < cell.get().length) cell.change(typing ? [...others, userId] : others);
  }

  /** Ends all timers. */
  stop(): void {
    for (const { stop } of this.sent.values()) this.environment.clearTimeout(stop as never);
    for (const timer of this.shown.values()) this.environment.clearTimeout(timer as never);
  }
}
