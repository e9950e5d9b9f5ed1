/**
 * The client's half of the protocol: one object that has all state, in the tab that is the leader.
 *
 * Everything that happens - a frame, a command, a timer - changes the state and ends with a step, which sends the frames that are
 * due, writes what has changed, and sets the timer for the next step.
 */

import { Connection } from "../connection/connection.js";
import { Subscriptions } from "../connection/subscriptions.js";
import type { Refusal } from "../errors.js";
import type { Api } from "../http/api.js";
import type { Requests } from "../http/requests.js";
import { SyncSchedule } from "../log/sync-schedule.js";
import type { Answer, ClientFrame, Push, ServerFrame } from "../protocol/index.js";
import { OwnReceipts } from "../receipts/own-receipts.js";
import { contentOf, type Outgoing, type Settled } from "../sending/outgoing.js";
import { Outbox, type Verdict } from "../sending/outbox.js";
import type { ConnectionState } from "../state/change.js";
import type { Store, StoredState } from "../store/store.js";
import type { Command } from "./command.js";
import { Conversations } from "./conversations.js";
import { Journal, type Readers } from "./journal.js";
import { LogIntake, type HistoryLimits } from "./log-intake.js";

/** What an engine works with. */
export interface EngineParts {
  readonly me: string;
  readonly url: string;
  readonly requests: Requests;
  readonly api: Api;
  readonly store: Store;
  readonly limits: HistoryLimits;
  readonly readers: Readers;
}

/** The engine. */
export class Engine {
  private readonly parts: EngineParts;
  private readonly journal: Journal;
  private readonly connection: Connection;
  private readonly conversations: Conversations;
  private readonly outbox: Outbox;
  private readonly syncs: SyncSchedule;
  private readonly acks: OwnReceipts;
  private readonly reads: OwnReceipts;
  private readonly subscriptions: Subscriptions;
  /** Tabs that have a conversation open. */
  private readonly openIn = new Map<string, Set<string>>();
  private readonly intake: LogIntake;
  private state: ConnectionState = { status: "connecting", caughtUp: false };
  private timer: unknown;
  private stopped = false;

  constructor(parts: EngineParts, stored: StoredState, outgoing: readonly Outgoing[]) {
    this.parts = parts;
    const { requests, url } = parts;
    const { pace } = requests;
    const { random } = requests.environment;
    this.journal = new Journal(parts.store, parts.readers);
    this.conversations = new Conversations(parts.me, stored);
    this.outbox = new Outbox(pace, random);
    this.syncs = new SyncSchedule(pace, random);
    this.acks = new OwnReceipts("ack", pace);
    this.reads = new OwnReceipts("read", pace);
    this.subscriptions = new Subscriptions(pace, random);
    const { conversations, journal, outbox, syncs, acks, reads } = this;
    this.intake = new LogIntake({
      ...{ me: parts.me, api: parts.api, limits: parts.limits, conversations, journal, outbox, syncs, acks, reads },
      now: requests.environment.now,
      step: () => {
        this.step();
      },
    });
    this.connection = new Connection(url, requests, pace, {
      connecting: () => {
        this.setState({ status: "connecting", caughtUp: false });
      },
      up: () => {
        this.up();
      },
      frame: (frame) => {
        this.received(frame);
      },
      down: () => {
        this.down();
      },
      refused: (refusal) => {
        this.refused(refusal);
      },
    });
    const now = this.now();
    for (const [id, { kept, replica }] of this.conversations.all()) {
      this.acks.known(id, kept?.acked_seq ?? 0);
      const last = replica.messages.findLast((message) => message.sender_id !== parts.me);
      if (last !== undefined && kept?.conversation.type !== "public") this.acks.mark(id, last.seq);
    }
    for (const message of outgoing) this.outbox.add(message, now);
  }

  /** Connects. */
  start(): void {
    this.connection.start();
    this.step();
  }

  /** Ends for good. Resolves once everything is written. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.parts.requests.environment.clearTimeout(this.timer as never);
    this.connection.stop();
    this.journal.flush();
    await this.journal.written();
  }

  /** The state of the connection, for a tab that has just been opened. */
  get connectionState(): ConnectionState {
    return this.state;
  }

  /** Carries out a command of this tab or another one. */
  command(command: Command): void {
    if (this.stopped) return;
    const now = this.now();
    switch (command.type) {
      case "send":
        this.journal.tell({ type: "outgoing", outgoing: command.outgoing });
        this.outbox.add(command.outgoing, now);
        break;
      case "discard":
        this.journal.settle(command.outgoing);
        break;
      case "read":
        this.intake.read(command.conversation_id, command.seq);
        break;
      case "subscribe":
        this.subscribe(command.conversation_id, command.open, command.tab);
        break;
      case "typing":
        this.connection.send({
          action: "typing",
          id: "typing",
          conversation_id: command.conversation_id,
          typing: command.typing,
        });
        break;
      case "receipts":
        for (const receipt of command.receipts) this.intake.receipt(receipt);
        break;
      case "learn":
        this.intake.learn(command.conversation);
        break;
      case "settings":
        this.intake.settings(command.conversation_id, command.settings);
        break;
      case "sync":
        this.syncs.needEverything();
        this.connection.wake();
        break;
      case "reconnect":
        this.connection.reconnect();
        break;
    }
    this.step();
  }

  private now(): number {
    return this.parts.requests.environment.now();
  }

  private get online(): boolean {
    return this.state.status === "online";
  }

  /** Sends what is due, writes what has changed, and sets the timer. */
  private step(): void {
    if (this.stopped) return;
    const now = this.now();
    const frames = this.online ? this.dueFrames(now) : [];
    const online = this.online && this.syncs.idle;
    if (online && !this.state.caughtUp) this.setState({ status: "online", caughtUp: true });
    this.journal.flush(
      frames.length === 0
        ? undefined
        : () => {
            for (const frame of frames) this.connection.send(frame);
          },
    );
    const { setTimeout, clearTimeout } = this.parts.requests.environment;
    clearTimeout(this.timer as never);
    const due = this.online ? this.due() : Infinity;
    if (due < Infinity) {
      this.timer = setTimeout(
        () => {
          this.step();
        },
        Math.max(0, due - this.now()),
      );
    }
  }

  private due(): number {
    let due = Math.min(
      this.outbox.due(),
      this.syncs.due(),
      this.acks.due(),
      this.reads.due(),
      this.subscriptions.due(),
    );
    const { gap } = this.parts.requests.pace;
    for (const [, { replica }] of this.conversations.all()) due = Math.min(due, (replica.gapSince ?? Infinity) + gap);
    return due;
  }

  private dueFrames(now: number): ClientFrame[] {
    for (const [id, { replica }] of this.conversations.all()) {
      if (replica.gapIsOver(now, this.parts.requests.pace.gap)) this.syncs.need(id);
    }
    const frames = this.outbox.toSend(now, (id) => this.conversations.cursor(id));
    // The first attempt is in the store before it leaves: a resend after a reload repeats it unchanged.
    for (const { keep } of frames) for (const outgoing of keep) this.journal.keepOutgoing(outgoing);
    const others = [
      this.syncs.frame(now, (id) => this.conversations.cursor(id) ?? 0),
      this.acks.frame(now),
      this.reads.frame(now),
    ];
    return [
      ...frames.map(({ frame }) => frame),
      ...others.filter((frame) => frame !== undefined),
      ...this.subscriptions.toSend(now),
    ];
  }

  private up(): void {
    const now = this.now();
    this.setState({ status: "online", caughtUp: false });
    this.syncs.connected(now);
    this.subscriptions.connected(now);
    this.step();
  }

  private down(): void {
    this.setState({ status: "waiting", caughtUp: false });
    this.interrupted();
    this.step();
  }

  private refused(refusal: Refusal): void {
    this.setState({ status: "stopped", caughtUp: false, refusal });
    this.step();
  }

  private setState(state: ConnectionState): void {
    this.state = state;
    this.journal.tell({ type: "connection", state });
    // The step that follows shows the rest.
    if (state.status !== "online") this.journal.flush();
  }

  private interrupted(): void {
    const now = this.now();
    this.outbox.interrupted(now);
    this.syncs.failed(now);
    this.acks.interrupted(now);
    this.reads.interrupted(now);
    this.subscriptions.interrupted(now);
  }

  private received(frame: ServerFrame): void {
    if (frame.kind === "push") this.pushed(frame.push);
    else if (frame.kind === "answer") this.answered(frame.reply_to, frame.answer);
    // The refusal does not name its frame. Repeating an answered frame is harmless.
    else this.interrupted();
    this.step();
  }

  private pushed(push: Push): void {
    switch (push.type) {
      case "items":
        for (const item of push.items) this.intake.item(item);
        break;
      case "receipts":
        for (const receipt of push.receipts) this.intake.receipt(receipt);
        break;
      case "unread":
        for (const unread of push.unread) this.intake.unread(unread);
        break;
      case "conversation_settings":
        this.intake.settings(push.conversation_id, push.settings);
        break;
      case "typing":
      case "block":
      case "file":
      case "export":
        this.journal.tell(push);
        break;
      case "token_expired":
        this.connection.reconnect();
        break;
    }
  }

  private answered(id: string, answer: Answer): void {
    const now = this.now();
    const error = answer.type === "error" ? answer.error : undefined;
    if (error?.code === "token_expired") this.connection.reconnect();
    const settled = error === undefined || (!error.retryable && error.code !== "token_expired");
    switch (id.split("/")[0]) {
      case "send":
        this.verdict(this.outbox.answered(id, answer, now));
        break;
      case "ack":
        for (const [conversation, seq] of this.acks.answered(id, settled, now)) this.intake.acked(conversation, seq);
        break;
      case "read":
        this.reads.answered(id, settled, now);
        break;
      case "subscription": {
        const opened = this.subscriptions.answered(
          id,
          error === undefined ? "accepted" : settled ? "refused" : "failed",
          now,
        );
        if (opened !== undefined) this.syncs.need(opened);
        break;
      }
      case "sync":
        if (answer.type === "synced") this.synced(id, answer);
        else if (error !== undefined) this.syncs.failed(now, error.retry_after_ms ?? 0);
        break;
    }
  }

  private verdict({ settled, failed, sync }: Verdict): void {
    for (const one of settled) this.sent(one);
    for (const outgoing of failed) this.journal.keepOutgoing(outgoing);
    if (sync !== undefined) this.syncs.need(sync);
  }

  /** Inserts a sent message by its answer. Its later changes arrive as events. */
  private sent({ outgoing, sent }: Settled): void {
    const { conversation_id, client_message_id, draft } = outgoing;
    const { seq, message_id, sent_at } = sent;
    const message = {
      conversation_id,
      seq,
      message_id,
      sent_at,
      client_message_id,
      sender_id: this.parts.me,
      kind: "text",
      ...contentOf(draft),
    } as const;
    this.journal.settle(outgoing, seq);
    this.intake.item(message);
  }

  private synced(id: string, { conversations, cursor }: Extract<Answer, { type: "synced" }>): void {
    const subject = this.syncs.answered(id);
    if (subject?.kind === "list") {
      // Conversations that have left the list may have an end that was not seen.
      if (subject.from === undefined)
        for (const [known, { replica }] of this.conversations.all()) if (replica.started) this.syncs.need(known);
      for (const { conversation_id, conversation } of conversations) {
        if (conversation !== undefined) this.intake.learn(conversation);
        this.syncs.need(conversation_id);
      }
      if (cursor !== null) this.syncs.listFrom(cursor);
    } else if (subject !== undefined) {
      for (const missed of conversations) this.intake.catchUp(missed);
    }
  }

  private subscribe(id: string, open: boolean, tab: string): void {
    const tabs = this.openIn.get(id) ?? new Set();
    this.openIn.set(id, tabs);
    if (open) tabs.add(tab);
    else tabs.delete(tab);
    const { kept } = this.conversations.get(id);
    if (kept === undefined || kept.conversation.type === "public")
      this.subscriptions.set(id, tabs.size > 0, this.now());
  }
}
