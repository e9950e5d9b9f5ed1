/** The state of one conversation, as a tab shows it. */

import type { KeptMessage } from "../log/replica.js";
import {
  changedBy,
  erased,
  MAX_UNREAD,
  type Conversation,
  type ErasureKind,
  type ItemFields,
  type LogEvent,
  type Message,
  type Presence,
} from "../protocol/index.js";
import type { Outgoing } from "../sending/outgoing.js";
import type { KeptConversation, Watermarks } from "../store/store.js";
import { shown, stateOf, waiting, type ChatMessage } from "./chat-message.js";
import { Cell, Derived } from "./observable.js";
import { PinnedMessages } from "./pinned-messages.js";
import { ticks, type Ticks } from "./ticks.js";

/** The messages of a conversation, oldest first, without gaps from the first to the last. */
export interface Timeline {
  readonly messages: readonly ChatMessage[];
  /** True if the log has earlier messages, which `loadOlder` loads. */
  readonly hasOlder: boolean;
  /** True while they are being loaded. */
  readonly loadingOlder: boolean;
}

const NO_RECEIPTS: Readonly<Record<string, Watermarks>> = {};

/** What a view was made of. */
interface ShownMessage {
  readonly message: Message;
  readonly state: ChatMessage["state"] | undefined;
  readonly me: string | undefined;
  readonly view: ChatMessage;
}

/** The state of one conversation. */
export class ConversationModel {
  kept: KeptConversation | undefined;
  /** True while somebody looks at the conversation in this tab: earlier messages stay then. */
  isOpen = false;
  /** Earlier messages begin here: those from this seq on are shown. */
  private oldest: number | undefined;
  private reachedBeginning = false;
  private loading = false;
  private missed: LogEvent[] = [];
  private readonly log = new Map<number, KeptMessage>();
  private readonly outgoing = new Map<string, Outgoing>();
  private readonly views = new Map<number, ShownMessage>();
  private readonly me: () => string | undefined;
  private readonly pins = new PinnedMessages();
  readonly typing = new Cell<readonly string[]>([]);
  readonly presence = new Cell<ReadonlyMap<string, Presence>>(new Map());
  readonly timeline = new Derived<Timeline>(() => this.computeTimeline());
  readonly view = new Derived<Conversation | undefined>(() => this.computeView());
  readonly pinned = new Derived<readonly Message[]>(() =>
    this.pins.shown(this.kept?.conversation.pinned_seqs ?? [], this.log),
  );
  readonly receipts = new Derived<Readonly<Record<string, Watermarks>>>(() => this.kept?.receipts ?? NO_RECEIPTS);

  constructor(me: () => string | undefined) {
    this.me = me;
  }

  /** Takes over the newest state of the conversation. */
  keep(kept: KeptConversation): void {
    const receipts = this.kept?.receipts !== kept.receipts;
    this.kept = kept;
    this.oldest ??= kept.replica?.floor;
    this.forget(kept.replica?.expired_seq ?? 0);
    this.pins.forget(kept.replica?.expired_seq ?? 0);
    if (!this.isOpen && !this.loading && (kept.replica?.floor ?? 0) > (this.oldest ?? 0)) this.dropOlder();
    if (receipts) this.receipts.invalidate();
    this.changed();
  }

  /** Adds messages, or changes them. */
  add(messages: readonly KeptMessage[]): void {
    for (const message of messages) this.log.set(message.seq, message);
    this.pins.add(messages);
    if (messages.length > 0) this.changed();
  }

  /** Forgets what does not connect with what follows. */
  restart(floor: number): void {
    this.forget(floor);
    this.oldest = floor;
    this.reachedBeginning = false;
    this.changed();
  }

  /** Applies events to older messages. Returns the messages whose reactions have to be loaded again. */
  applyEvents(events: readonly LogEvent[]): number[] {
    const stale = new Set<number>();
    this.pins.applyEvents(events);
    for (const event of events) {
      if (event.kind === "user_erased") {
        this.eraseUser(event, stale);
        continue;
      }
      const target = this.log.get(event.target_seq);
      if (target === undefined) {
        // The page that is on its way may have been read before the event.
        if (this.loading) this.missed.push(event);
        continue;
      }
      if (event.kind === "reaction") stale.add(target.seq);
      else this.log.set(target.seq, changedBy(target, event));
    }
    this.changed();
    return [...stale];
  }

  /** Forgets what a user has written. The leader's messages come changed; of older ones only the server knows the reactions. */
  private eraseUser(event: ItemFields & ErasureKind, stale: Set<number>): void {
    for (const message of this.log.values()) {
      const rest = erased(message, event);
      if (rest !== undefined) this.log.set(message.seq, rest);
      else if (message.reactors === undefined && (message.reactions?.length ?? 0) > 0) stale.add(message.seq);
    }
  }

  /** Adds or changes a message that waits to be sent. */
  wait(outgoing: Outgoing): void {
    this.outgoing.set(outgoing.client_message_id, outgoing);
    this.changed();
  }

  /** Removes a message that waits no more. */
  settle(clientMessageId: string): void {
    this.outgoing.delete(clientMessageId);
    this.changed();
  }

  /** The message that waits under this id. */
  waitingMessage(clientMessageId: string): Outgoing | undefined {
    return this.outgoing.get(clientMessageId);
  }

  /** A message of the log, if it is there. */
  message(seq: number): Message | undefined {
    return this.log.get(seq);
  }

  /** Seq before which history continues; `undefined` if there is nothing to load, or if it is being loaded. */
  beginLoading(): number | undefined {
    if (this.loading || !this.hasOlder) return undefined;
    this.loading = true;
    this.timeline.invalidate();
    return (this.oldest ?? 0) + 1;
  }

  /**
   * Adds a page of history that goes up to where the copy begins. `next` is the `before_seq` of the next page. Returns the messages
   * whose reactions have to be loaded again.
   */
  endLoading(page: { readonly messages: readonly Message[]; readonly next: number | null } | undefined): number[] {
    this.loading = false;
    if (page !== undefined) {
      for (const message of page.messages) if (!this.log.has(message.seq)) this.log.set(message.seq, message);
      if (page.next === null) this.reachedBeginning = true;
      else this.oldest = page.next - 1;
    }
    const { missed } = this;
    this.missed = [];
    return this.applyEvents(missed);
  }

  /** Begins to load the pinned messages. Returns the number of the load. */
  beginLoadingPinned(): number {
    return this.pins.beginLoading();
  }

  /** Takes over the pinned messages; `undefined` if they could not be loaded. */
  endLoadingPinned(load: number, messages: readonly Message[] | undefined): void {
    this.pins.endLoading(load, messages);
    this.pinned.invalidate();
  }

  /** Drops what the leader does not keep, to bound the memory of a tab that nobody looks at. */
  dropOlder(): void {
    const floor = this.kept?.replica?.floor;
    if (floor === undefined || this.loading) return;
    this.forget(floor);
    this.oldest = floor;
    this.reachedBeginning = false;
    this.changed();
  }

  private get hasOlder(): boolean {
    const expired = this.kept?.replica?.expired_seq ?? 0;
    return this.oldest !== undefined && this.oldest > expired && !this.reachedBeginning;
  }

  private forget(through: number): void {
    for (const seq of this.log.keys()) {
      if (seq > through) continue;
      this.log.delete(seq);
      this.views.delete(seq);
    }
  }

  private changed(): void {
    this.timeline.invalidate();
    this.view.invalidate();
    this.pinned.invalidate();
  }

  private computeTimeline(): Timeline {
    const me = this.me();
    const reached =
      this.kept === undefined ? { delivered: 0, read: 0 } : ticks(this.kept.conversation, this.kept.receipts);
    const messages = [...this.log.values()].sort((a, b) => a.seq - b.seq).map((message) => this.show(message, reached));
    if (me !== undefined) {
      const waitingMessages = [...this.outgoing.values()].sort((a, b) => a.order - b.order);
      messages.push(...waitingMessages.map((outgoing) => waiting(outgoing, me)));
    }
    return { messages, hasOlder: this.hasOlder, loadingOlder: this.loading };
  }

  /** The same object while nothing of it changes. */
  private show(message: KeptMessage, reached: Ticks): ChatMessage {
    const [known, me] = [this.views.get(message.seq), this.me()];
    const state = stateOf(message, me, reached);
    if (known?.message === message && known.state === state && known.me === me) return known.view;
    const view = shown(message, me, reached);
    this.views.set(message.seq, { message, state, me, view });
    return view;
  }

  /** The conversation with what has happened since the server has described it. */
  private computeView(): Conversation | undefined {
    if (this.kept === undefined) return undefined;
    const { conversation, replica } = this.kept;
    let last = conversation.last_message;
    for (const message of this.log.values()) if (message.seq >= (last?.seq ?? 0)) last = message;
    const head_seq = Math.max(conversation.head_seq, replica?.cursor ?? 0);
    const last_message_at = [conversation.last_message_at, last?.sent_at ?? null].reduce((a, b) =>
      (a ?? "") > (b ?? "") ? a : b,
    );
    return {
      ...conversation,
      head_seq,
      last_message_at,
      unread: this.countUnread(),
      ...(last === undefined ? {} : { last_message: last }),
    };
  }

  /** Counts exactly where the copy reaches back to the last message that was read; else adds to the server's count. */
  private countUnread(): number {
    if (this.kept === undefined) return 0;
    const { conversation, replica } = this.kept;
    const { read_seq, head_seq, unread } = conversation;
    const exact = replica !== undefined && replica.floor <= read_seq;
    const after = exact ? read_seq : Math.max(read_seq, head_seq);
    let count = exact ? 0 : unread;
    const me = this.me();
    for (const message of this.log.values()) {
      if (message.seq > after && message.kind === "text" && message.sender_id !== me) count += 1;
    }
    return Math.min(count, MAX_UNREAD);
  }
}
