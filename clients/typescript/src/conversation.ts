/** One conversation, as an application uses it. */

import type { Client } from "./client.js";
import { FileUpload, type UploadSource } from "./files/upload.js";
import type { ConversationChange, MemberChange, SettingsChange } from "./http/conversations.js";
import type { Conversation, Custom, Member, Message, Presence, Settings } from "./protocol/index.js";
import type { Draft } from "./sending/outgoing.js";
import type { ConversationModel, Timeline } from "./state/conversation-model.js";
import type { Observable } from "./state/observable.js";
import type { Watermarks } from "./store/store.js";

/** A message that was handed over. */
export interface Submitted {
  /** Its id, and the `key` under which it is shown. */
  readonly client_message_id: string;
  /** Resolves once the message is kept by the store, so that it survives the end of the program. */
  readonly kept: Promise<void>;
  /**
   * Resolves with the seq once the server has accepted the message. Rejects with a `PalaverError` when it is refused for good, and
   * with a `StoppedError` when the client is stopped before; the message is sent by the next client of the store then.
   */
  accepted(): Promise<number>;
}

/** One conversation. Cheap to make: all state is the client's. */
export class ConversationHandle {
  readonly id: string;
  private readonly client: Client;
  private readonly model: ConversationModel;

  /** Use {@link Client.conversation}. */
  constructor(client: Client, id: string, model: ConversationModel) {
    this.client = client;
    this.id = id;
    this.model = model;
  }

  /** The conversation with its unread count and last message; `undefined` until it is known. */
  get view(): Observable<Conversation | undefined> {
    return this.model.view;
  }

  /** The messages that are loaded, those that wait to be sent at the end. */
  get timeline(): Observable<Timeline> {
    return this.model.timeline;
  }

  /** The ids of the users who are typing. */
  get typing(): Observable<readonly string[]> {
    return this.model.typing;
  }

  /** The watermarks of other users, as far as they are known. They move forward only. */
  get receipts(): Observable<Readonly<Record<string, Watermarks>>> {
    return this.model.receipts;
  }

  /** The presence of members, as of the last {@link ConversationHandle.loadPresence}. */
  get presence(): Observable<ReadonlyMap<string, Presence>> {
    return this.model.presence;
  }

  /** The pinned messages that are not deleted, newest first, as far as they are loaded: see {@link ConversationHandle.loadPinned}. */
  get pinned(): Observable<readonly Message[]> {
    return this.model.pinned;
  }

  /**
   * Says that somebody looks at the conversation: a public one is subscribed, on every connection, and the receipts of the others are
   * loaded. Returns the end of it.
   */
  open(): () => void {
    return this.client.open(this.id);
  }

  /**
   * Sends a message. It is shown at once, kept until the server has accepted it, and keeps its order. It is sent again, also after a
   * reload, for as long as it takes.
   */
  send(draft: Draft | string): Submitted {
    this.typed(false);
    return this.client.submit(this.id, typeof draft === "string" ? { text: draft } : draft);
  }

  /** Sends a message again that has failed. */
  retry(clientMessageId: string): Submitted | undefined {
    return this.client.resubmit(this.id, clientMessageId);
  }

  /** Removes a message that has failed. One that is on its way stays. */
  discard(clientMessageId: string): void {
    this.client.discard(this.id, clientMessageId);
  }

  /** Says that the user has seen everything up to a seq; by default up to the newest message. */
  read(seq = this.newestSeq()): void {
    if (seq > 0) this.client.read(this.id, seq);
  }

  /** Says that the user types, or has stopped. Call it for every key: frames are sent at most every four seconds. */
  typed(typing = true): void {
    this.client.typed(this.id, typing);
  }

  /** Loads earlier messages into the timeline. Resolves when they are there, and rejects if the server refuses. */
  loadOlder(limit = 50): Promise<void> {
    return this.client.loadOlder(this.id, limit);
  }

  /** Loads who is online, and returns it. Ask when a screen shows it. */
  async loadPresence(): Promise<ReadonlyMap<string, Presence>> {
    const presence = new Map<string, Presence>();
    for await (const member of pages((cursor) => this.client.api.conversations.presence(this.id, cursor)))
      presence.set(member.user_id, member);
    this.model.presence.change(presence);
    return presence;
  }

  /** Returns all members. */
  async members(): Promise<readonly Member[]> {
    const members: Member[] = [];
    for await (const member of pages((cursor) => this.client.api.conversations.members(this.id, cursor)))
      members.push(member);
    return members;
  }

  /** Adds all of these users, at most 50, or none. */
  addMembers(userIds: readonly string[]): Promise<void> {
    return this.client.api.conversations.addMembers(this.id, userIds);
  }

  /** Gives a member another role, or mutes them. */
  changeMember(userId: string, change: MemberChange): Promise<Member> {
    return this.client.api.conversations.changeMember(this.id, userId, change);
  }

  /** Removes a member. */
  removeMember(userId: string): Promise<void> {
    return this.client.api.conversations.removeMember(this.id, userId);
  }

  /** Leaves the conversation. */
  async leave(): Promise<void> {
    await this.client.api.conversations.removeMember(this.id, "me");
    this.client.sync();
  }

  /** Changes title, topic, `custom` or retention, or blocks the other user of a private conversation. */
  async change(change: ConversationChange): Promise<Conversation> {
    return this.client.learn(await this.client.api.conversations.change(this.id, change));
  }

  /** Archives, pins, mutes or marks the conversation as unread, for the user alone and on all devices. */
  async changeSettings(change: SettingsChange): Promise<Settings> {
    return this.client.applySettings(this.id, await this.client.api.conversations.changeSettings(this.id, change));
  }

  /** Pins a message for everybody, or ends that: `pinned_seqs` of the view has them. */
  pin(seq: number, on = true): Promise<void> {
    return this.client.api.conversations.pin(this.id, seq, on);
  }

  /** Loads the pinned messages, and returns them, newest first. Load them again when `pinned_seqs` of the view changes. */
  async loadPinned(): Promise<readonly Message[]> {
    const load = this.model.beginLoadingPinned();
    let found: Message[] | undefined;
    try {
      const messages: Message[] = [];
      for await (const message of pages((cursor) => this.client.api.conversations.pins(this.id, cursor)))
        messages.push(message);
      found = messages;
      return messages;
    } finally {
      this.model.endLoadingPinned(load, found);
    }
  }

  /**
   * Changes a text of the user. Everybody, this client too, gets the change as an event. `custom` stays if absent; `null` removes it.
   */
  edit(seq: number, text: string, mentions?: readonly string[], custom?: Custom | null): Promise<Message> {
    return this.client.api.messages.edit(this.id, seq, text, mentions, custom);
  }

  /** Deletes a text for everybody. */
  delete(seq: number): Promise<void> {
    return this.client.api.messages.delete(this.id, seq);
  }

  /** Gives or withdraws a reaction. */
  react(seq: number, emoji: string, on = true): Promise<Message> {
    return this.client.api.messages.react(this.id, seq, emoji, on);
  }

  /**
   * Uploads a file, to be attached to messages of this conversation. The same `key` with the same file goes on with an upload that a
   * reload has interrupted.
   */
  upload(source: UploadSource | File, key?: string): FileUpload {
    const described =
      "content_type" in source
        ? source
        : { name: source.name, content_type: source.type || "application/octet-stream", bytes: source };
    return this.client.upload(this.id, described, key);
  }

  private newestSeq(): number {
    return this.model.timeline.get().messages.findLast((message) => message.seq !== undefined)?.seq ?? 0;
  }
}

/** All entries of a list, page by page: only a missing cursor ends it. */
export async function* pages<T>(
  page: (query: { cursor?: string }) => Promise<{ entries: readonly T[]; cursor: string | null }>,
): AsyncGenerator<T> {
  let query: { cursor?: string } = {};
  for (;;) {
    const { entries, cursor } = await page(query);
    yield* entries;
    if (cursor === null) return;
    query = { cursor };
  }
}
