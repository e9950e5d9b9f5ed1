/** The state that a client shows: what changes make of it. */

import type { Conversation, Export, File, LogEvent, Message, Profile } from "../protocol/index.js";
import type { StoredState } from "../store/store.js";
import type { Outgoing } from "../sending/outgoing.js";
import type { Change, ConnectionState } from "./change.js";
import { ConversationModel } from "./conversation-model.js";
import { Cell, Derived } from "./observable.js";

/** What happens, beside the state. Each tab is told once. */
export type ClientEvent =
  | { readonly type: "arrived"; readonly messages: readonly Message[] }
  | { readonly type: "block"; readonly user_id: string; readonly blocked: boolean }
  | { readonly type: "file"; readonly file: File }
  | { readonly type: "export"; readonly export: Export };

/** What a model asks of its client. */
export interface ModelEvents {
  event(event: ClientEvent): void;
  /** Reactions of older messages have changed: only the server knows their counts. */
  stale(conversationId: string, seqs: readonly number[]): void;
  settled(clientMessageId: string, seq: number | undefined): void;
  failed(outgoing: Outgoing): void;
  typing(conversationId: string, userId: string, typing: boolean): void;
}

/** The state of a client. */
export class Model {
  readonly me = new Cell<Profile | undefined>(undefined);
  readonly connection = new Cell<ConnectionState>({ status: "waiting", caughtUp: false });
  readonly list = new Derived<readonly Conversation[]>(() => this.computeList());
  private readonly conversations = new Map<string, ConversationModel>();
  private readonly events: ModelEvents;

  constructor(events: ModelEvents) {
    this.events = events;
  }

  /** The state of a conversation; empty for one that is not known. */
  conversation(id: string): ConversationModel {
    let model = this.conversations.get(id);
    if (model === undefined) {
      model = new ConversationModel(() => this.me.get()?.user_id);
      this.conversations.set(id, model);
    }
    return model;
  }

  /** Takes over what a store has. */
  load(state: StoredState, outgoing: readonly Outgoing[]): void {
    if (state.user !== undefined) this.me.change(state.user);
    for (const kept of state.conversations) this.conversation(kept.conversation.conversation_id).keep(kept);
    for (const message of state.messages) this.conversation(message.conversation_id).add([message]);
    for (const message of outgoing) this.conversation(message.conversation_id).wait(message);
    this.list.invalidate();
  }

  /** Applies changes. The same change may come twice. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) this.applyOne(change);
  }

  private applyOne(change: Change): void {
    switch (change.type) {
      case "user":
        this.me.change(change.user);
        break;
      case "connection":
        this.connection.change(change.state);
        return;
      case "conversation":
        this.conversation(change.kept.conversation.conversation_id).keep(change.kept);
        break;
      case "messages":
        this.conversation(change.conversation_id).add(change.messages);
        break;
      case "restarted":
        this.conversation(change.conversation_id).restart(change.floor);
        break;
      case "events":
        this.applyEvents(change.conversation_id, change.events);
        break;
      case "outgoing":
        this.conversation(change.outgoing.conversation_id).wait(change.outgoing);
        if (change.outgoing.failed !== undefined) this.events.failed(change.outgoing);
        break;
      case "settled":
        this.conversation(change.conversation_id).settle(change.client_message_id);
        this.events.settled(change.client_message_id, change.seq);
        break;
      case "typing":
        this.events.typing(change.conversation_id, change.user_id, change.typing);
        return;
      case "arrived":
      case "block":
      case "file":
      case "export":
        this.events.event(change);
        return;
    }
    this.list.invalidate();
  }

  private applyEvents(id: string, events: readonly LogEvent[]): void {
    const stale = this.conversation(id).applyEvents(events);
    if (stale.length > 0) this.events.stale(id, stale);
  }

  /** Newest first. */
  private computeList(): readonly Conversation[] {
    const views = [...this.conversations.values()].flatMap((model) => model.view.get() ?? []);
    return views.sort((a, b) => ((a.last_message_at ?? "") < (b.last_message_at ?? "") ? 1 : -1));
  }
}
