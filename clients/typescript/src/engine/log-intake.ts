/** Takes in what the server says of conversations and their logs. */

import type { Api } from "../http/api.js";
import type { Applied } from "../log/replica.js";
import type { SyncSchedule } from "../log/sync-schedule.js";
import {
  isEvent,
  type Conversation,
  type Item,
  type Receipt,
  type Settings,
  type SyncedConversation,
  type Unread,
} from "../protocol/index.js";
import type { OwnReceipts } from "../receipts/own-receipts.js";
import type { Outbox } from "../sending/outbox.js";
import { described, marked, readUpTo, withoutUser, type Conversations, type Known } from "./conversations.js";
import type { Journal } from "./journal.js";

/** Numbers that bound what is kept. */
export interface HistoryLimits {
  /** Items of a conversation that are synced at first. */
  readonly initial: number;
  /** Messages of a conversation that are kept. A client that is further behind than that begins anew at the newest ones. */
  readonly kept: number;
}

/** What the intake works with: parts of the engine. */
export interface LogIntakeParts {
  readonly me: string;
  readonly api: Api;
  readonly limits: HistoryLimits;
  readonly conversations: Conversations;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly syncs: SyncSchedule;
  readonly acks: OwnReceipts;
  readonly reads: OwnReceipts;
  readonly now: () => number;
  /** Has the engine act on what has changed, after an answer over HTTP. */
  readonly step: () => void;
}

/** The intake. */
export class LogIntake {
  /** Conversations whose description is being asked for; true if it has to be asked for again. */
  private readonly refreshing = new Map<string, boolean>();
  private readonly parts: LogIntakeParts;

  constructor(parts: LogIntakeParts) {
    this.parts = parts;
  }

  /** Takes in a pushed item, or a sent message. */
  item(item: Item): void {
    const { replica, kept } = this.parts.conversations.get(item.conversation_id);
    // A conversation that is new to this client: the server says where its copy begins.
    if (kept === undefined) this.refresh(item.conversation_id);
    this.applied(item.conversation_id, replica.receive(item, this.parts.now()));
  }

  /** Takes in a watermark of another user. */
  receipt(receipt: Receipt): void {
    const known = this.parts.conversations.get(receipt.conversation_id);
    if (receipt.user_id !== this.parts.me) this.keep(known, known.kept && marked(known.kept, receipt));
  }

  /** Takes in the user's read on another device. */
  unread(unread: Unread): void {
    const known = this.parts.conversations.get(unread.conversation_id);
    this.parts.reads.known(unread.conversation_id, unread.read_seq);
    this.keep(known, known.kept && readUpTo(known.kept, unread));
  }

  /** Takes in the user's settings of a conversation. */
  settings(id: string, settings: Settings): void {
    const known = this.parts.conversations.get(id);
    this.keep(known, known.kept && { ...known.kept, conversation: { ...known.kept.conversation, settings } });
  }

  /** Takes in the user's read on this device. */
  read(id: string, seq: number): void {
    const known = this.parts.conversations.get(id);
    // A read ends the mark, also one of what was read before.
    this.parts.reads.mark(id, seq, known.kept?.conversation.settings?.marked_unread);
    this.keep(known, known.kept && readUpTo(known.kept, { read_seq: seq }));
  }

  /** The server knows that this device has everything up to a seq. */
  acked(id: string, seq: number): void {
    const known = this.parts.conversations.get(id);
    this.keep(known, known.kept && { ...known.kept, acked_seq: seq });
  }

  /** Takes in what a sync has found in a conversation. */
  catchUp(missed: SyncedConversation): void {
    const { conversations, outbox, syncs, journal, now } = this.parts;
    const id = missed.conversation_id;
    const { replica } = conversations.get(id);
    const applied = replica.catchUp(missed, now());
    if (missed.expired_seq !== undefined) this.expire(id, missed.expired_seq);
    this.applied(id, applied);
    if (missed.more) syncs.need(id);
    else for (const moved of outbox.caughtUp(id, replica.cursor, now())) journal.keepOutgoing(moved);
  }

  /** Takes over the server's description of a conversation, and begins or restarts the copy of its log if it has to. */
  learn(conversation: Conversation): void {
    const id = conversation.conversation_id;
    const known = this.parts.conversations.get(id);
    const { replica } = known;
    const { initial, kept } = this.parts.limits;
    this.parts.reads.known(id, conversation.read_seq);
    known.kept = described(known.kept, conversation);
    this.parts.reads.mark(id, known.kept.conversation.read_seq);
    const start = Math.max(0, conversation.head_seq - initial);
    if (!replica.started) {
      this.applied(id, replica.startAfter(start, this.parts.now()));
      this.parts.outbox.started(id, this.parts.now());
    } else if (conversation.head_seq - replica.cursor > kept && !this.parts.outbox.hasAttempted(id)) {
      // What lies between would not be kept. A message of unknown outcome is looked for among it, though.
      this.parts.journal.forget(id, start);
      this.parts.journal.tell({ type: "restarted", conversation_id: id, floor: start });
      this.applied(id, replica.startAfter(start, this.parts.now()));
    }
    if (conversation.expired_seq !== undefined) this.expire(id, conversation.expired_seq);
    if (replica.cursor < conversation.head_seq) this.parts.syncs.need(id);
    this.keep(known, known.kept);
  }

  private expire(id: string, expiredSeq: number): void {
    if (this.parts.conversations.get(id).replica.expire(expiredSeq)) this.parts.journal.forget(id, expiredSeq);
  }

  /** Handles items that follow the cursor without a gap. */
  private applied(id: string, { items, changed, outside }: Applied): void {
    const known = this.parts.conversations.get(id);
    const now = this.parts.now();
    for (const item of items) {
      const settled = this.parts.outbox.seen(item, now);
      if (settled !== undefined) this.parts.journal.settle(settled.outgoing, item.seq);
      if (item.sender_id !== this.parts.me && known.kept?.conversation.type !== "public")
        this.parts.acks.mark(id, item.seq);
      const isChange = !isEvent(item) && item.kind !== "text" && item.kind !== "deleted";
      if (isChange && item.seq > (known.kept?.conversation.head_seq ?? 0)) this.refresh(id);
    }
    for (const item of items) if (item.kind === "user_erased" && known.kept) known.kept = withoutUser(known.kept, item);
    this.parts.journal.keepMessages(id, changed);
    if (outside.length > 0) this.parts.journal.tell({ type: "events", conversation_id: id, events: outside });
    const arrived = items.flatMap((item) => (isEvent(item) || item.sender_id === this.parts.me ? [] : [item]));
    if (arrived.length > 0) this.parts.journal.tell({ type: "arrived", messages: arrived });
    if (known.replica.trim(this.parts.limits.kept)) this.parts.journal.forget(id, known.replica.floor);
    if (items.length > 0 || changed.length > 0) this.keep(known, known.kept);
  }

  /** Keeps the state of a conversation, if there is news. */
  keep(known: Known, kept: Known["kept"]): void {
    if (kept === undefined) return;
    known.kept = known.replica.started ? { ...kept, replica: known.replica.state } : kept;
    this.parts.journal.keepConversation(known.kept);
  }

  /** Asks for the description of a conversation: a change of it, or of its members, is in the log. */
  private refresh(id: string): void {
    const asking = this.refreshing.has(id);
    this.refreshing.set(id, asking);
    if (asking) return;
    void this.parts.api.conversations
      .get(id)
      .then((conversation) => {
        this.learn(conversation);
      })
      // The next list has it.
      .catch(() => undefined)
      .finally(() => {
        const again = this.refreshing.get(id);
        this.refreshing.delete(id);
        if (again === true) this.refresh(id);
        this.parts.step();
      });
  }
}
