/** The tabs that share a store: one is the leader, the others follow. */

import type { Command } from "../engine/command.js";
import type { Channel, Environment } from "../environment.js";
import type { Change } from "../state/change.js";

/** A message between tabs. */
type TabMessage =
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  | { readonly kind: "command"; readonly command: Command }
  /** A tab was opened: the leader tells what no store has. */
  | { readonly kind: "hello" }
  /** A tab has become the leader: others repeat what they want of one. */
  | { readonly kind: "leader" };

/** What a tab hears. */
export interface TabEvents {
  changes(changes: readonly Change[]): void;
  command(command: Command): void;
  hello(): void;
  leader(): void;
  /** This tab is the leader from now on. */
  lead(): void;
}

/** The way to the other tabs. Where there are none, the only program leads. */
export class Tabs {
  private readonly channel: Channel | undefined;
  private readonly aborter = new AbortController();
  private readonly name: string | undefined;
  private readonly environment: Environment;
  private readonly events: TabEvents;
  private release: (() => void) | undefined;

  constructor(name: string | undefined, environment: Environment, events: TabEvents) {
    this.name = name;
    this.environment = environment;
    this.events = events;
    const { locks, BroadcastChannel } = environment;
    if (name === undefined || locks === undefined || BroadcastChannel === undefined) return;
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => {
      this.heard(data as TabMessage);
    };
  }

  /** Waits to become the leader. The lock ends with the tab, so another one takes over. */
  start(): void {
    const { locks } = this.environment;
    if (this.channel === undefined || locks === undefined) {
      this.events.lead();
      return;
    }
    this.post({ kind: "hello" });
    locks
      .request(this.name ?? "", { signal: this.aborter.signal }, () => {
        const held = new Promise<void>((resolve) => {
          this.release = resolve;
        });
        this.events.lead();
        return held;
      })
      // The client was stopped while it waited.
      .catch(() => undefined);
  }

  /** Lets another tab lead. */
  stop(): void {
    this.aborter.abort();
    this.release?.();
    this.channel?.close();
  }

  /** Tells the other tabs of changes. */
  changes(changes: readonly Change[]): void {
    this.post({ kind: "changes", changes });
  }

  /** Asks the leader for something, if there is one. */
  command(command: Command): void {
    this.post({ kind: "command", command });
  }

  /** Says that this tab leads. */
  announce(): void {
    this.post({ kind: "leader" });
  }

  private post(message: TabMessage): void {
    if (!this.aborter.signal.aborted) this.channel?.postMessage(message);
  }

  private heard(message: TabMessage): void {
    switch (message.kind) {
      case "changes":
        this.events.changes(message.changes);
        break;
      case "command":
        this.events.command(message.command);
        break;
      case "hello":
        this.events.hello();
        break;
      case "leader":
        this.events.leader();
        break;
    }
  }
}
