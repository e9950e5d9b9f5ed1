/** The client: one per user and tab. */

import { TokenCache } from "./connection/token.js";
import { ConversationHandle, pages, type Submitted } from "./conversation.js";
import type { Command } from "./engine/command.js";
import { platform, type Environment } from "./environment.js";
import { StoppedError } from "./errors.js";
import { FileUpload, type UploadSource } from "./files/upload.js";
import { Api } from "./http/api.js";
import type { NewConversation } from "./http/conversations.js";
import { Requests } from "./http/requests.js";
import type { ClientOptions } from "./options.js";
import { DEFAULT_PACE, type Pace } from "./pace.js";
import type { Conversation, Profile, Settings } from "./protocol/index.js";
import { Submissions } from "./sending/submissions.js";
import type { Draft } from "./sending/outgoing.js";
import { Session } from "./session.js";
import { Cell, type Observable } from "./state/observable.js";
import type { ConnectionState } from "./state/change.js";
import { Model, type ClientEvent } from "./state/model.js";
import { TypingIndicators } from "./state/typing-indicators.js";
import { UserDirectory } from "./state/user-directory.js";
import { MemoryStore } from "./store/memory-store.js";
import type { Store } from "./store/store.js";

/** Makes a client. Nothing happens before {@link Client.start}. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

/**
 * A chat client of one user.
 *
 * Its state is observable, and loads from the store at once; the connection brings it up to date and keeps it so.
 */
export class Client {
  /** The requests of the protocol, one method each. */
  readonly api: Api;
  /** The profiles of other users: `need` asks for them. */
  readonly directory: UserDirectory;
  private readonly environment: Environment;
  private readonly pace: Pace;
  private readonly requests: Requests;
  private readonly store: Store;
  private readonly model: Model;
  private readonly session: Session;
  private readonly submissions: Submissions;
  private readonly typingIndicators: TypingIndicators;
  private readonly uploadList = new Cell<readonly FileUpload[]>([]);
  private readonly listeners = new Set<(event: ClientEvent) => void>();
  private readonly openCounts = new Map<string, number>();

  /** Use {@link createClient}. */
  constructor(options: ClientOptions) {
    this.environment = platform(options.environment);
    this.pace = { ...DEFAULT_PACE, ...options.pace };
    this.store = options.store ?? new MemoryStore();
    this.requests = new Requests(
      options.http,
      new TokenCache(options.getToken, this.environment.now),
      this.environment,
      this.pace,
    );
    this.api = new Api(this.requests);
    this.directory = new UserDirectory(this.api.users);
    this.model = new Model({
      event: (event) => {
        this.happened(event);
      },
      stale: (id, seqs) => {
        void this.reload(id, seqs);
      },
      settled: (id, seq) => {
        this.submissions.settled(id, seq);
      },
      failed: (outgoing) => {
        this.submissions.failed(outgoing);
      },
      typing: (id, user, typing) => {
        this.typingIndicators.received(id, user, typing);
      },
    });
    const command = (command: Command): void => {
      this.session.command(command);
    };
    this.typingIndicators = new TypingIndicators(
      this.environment,
      this.pace,
      (id) => this.model.conversation(id).typing,
      command,
    );
    const onError = options.onError ?? console.warn;
    this.submissions = new Submissions({
      store: this.store,
      environment: this.environment,
      model: this.model,
      command,
      onError,
    });
    this.session = new Session({
      url: options.websocket,
      requests: this.requests,
      api: this.api,
      store: this.store,
      model: this.model,
      displayName: options.displayName,
      limits: { initial: options.initialItems ?? 50, kept: options.keptMessages ?? 200 },
      onError,
    });
  }

  /** The user's own profile; `undefined` until it is known. */
  get me(): Observable<Profile | undefined> {
    return this.model.me;
  }

  /** The state of the connection. */
  get connection(): Observable<ConnectionState> {
    return this.model.connection;
  }

  /** The user's conversations with unread count and last message, the newest first. Past ones have the role `null`. */
  get conversations(): Observable<readonly Conversation[]> {
    return this.model.list;
  }

  /** The uploads of this tab, until they are cancelled or {@link Client.dismiss}ed. */
  get uploads(): Observable<readonly FileUpload[]> {
    return this.uploadList;
  }

  /** Loads the store, connects, and stays connected. Resolves once the store is loaded. */
  start(): Promise<void> {
    return this.session.start();
  }

  /** Disconnects for good; another tab of the same store takes over. Resolves once everything is written. */
  async stop(): Promise<void> {
    this.submissions.stop(new StoppedError());
    this.typingIndicators.stop();
    await this.session.stop();
  }

  /** Calls the listener for messages that arrive, files that were inspected, and exports. Returns the end of it. */
  on(listener: (event: ClientEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Syncs everything now, and connects at once if the client waits to connect: for a device that has slept, or is online again. */
  sync(): void {
    this.session.command({ type: "sync" });
  }

  /** Makes another connection, for a device whose network has changed. */
  reconnect(): void {
    this.session.command({ type: "reconnect" });
  }

  /** Creates or changes the user's profile. */
  async setProfile(displayName: string): Promise<Profile> {
    const profile = await this.api.users.setProfile(displayName);
    await this.session.profileChanged(profile);
    return profile;
  }

  /** Makes the user's avatar of a PNG, JPEG, GIF or WebP of at most 4 MB; `null` removes it. */
  async setAvatar(picture: Blob | null): Promise<void> {
    const profile =
      picture === null
        ? await this.api.users.setAvatar(null).then(() => this.api.users.me())
        : await this.api.users.setAvatar(picture);
    await this.session.profileChanged(profile);
  }

  /** One conversation, which may not be known yet. */
  conversation(id: string): ConversationHandle {
    return new ConversationHandle(this, id, this.model.conversation(id));
  }

  /** Begins, or finds, the private conversation with another user. */
  async withUser(userId: string): Promise<ConversationHandle> {
    return this.conversation((await this.learned(this.api.conversations.withUser(userId))).conversation_id);
  }

  /** Creates a group or a public conversation. */
  async create(conversation: NewConversation): Promise<ConversationHandle> {
    return this.conversation((await this.learned(this.api.conversations.create(conversation))).conversation_id);
  }

  /** Joins a public conversation. */
  async join(id: string): Promise<ConversationHandle> {
    await this.api.conversations.join(id);
    await this.learned(this.api.conversations.get(id));
    // A subscription before that was refused.
    if ((this.openCounts.get(id) ?? 0) > 0) this.session.subscribe(id, true);
    return this.conversation(id);
  }

  /** Takes over a description that a request has returned. */
  learn(conversation: Conversation): Conversation {
    this.session.command({ type: "learn", conversation });
    return conversation;
  }

  /** Takes over settings that a request has returned. */
  applySettings(conversation_id: string, settings: Settings): Settings {
    this.session.command({ type: "settings", conversation_id, settings });
    return settings;
  }

  /** Removes an upload from the list, whatever its state. */
  dismiss(upload: FileUpload): void {
    this.uploadList.change(this.uploadList.get().filter((other) => other !== upload));
  }

  /** @internal */
  submit(id: string, draft: Draft): Submitted {
    return this.submissions.submit(id, draft);
  }

  /** @internal */
  resubmit(id: string, clientMessageId: string): Submitted | undefined {
    return this.submissions.resubmit(id, clientMessageId);
  }

  /** @internal */
  discard(id: string, clientMessageId: string): void {
    this.submissions.discard(id, clientMessageId);
  }

  /** @internal */
  read(id: string, seq: number): void {
    this.session.read(id, seq);
  }

  /** @internal */
  typed(id: string, typing: boolean): void {
    this.typingIndicators.typed(id, typing);
  }

  /** @internal */
  open(id: string): () => void {
    const count = this.openCounts.get(id) ?? 0;
    this.openCounts.set(id, count + 1);
    this.model.conversation(id).isOpen = true;
    if (count === 0) {
      this.session.subscribe(id, true);
      void this.loadReceipts(id);
    }
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      const left = (this.openCounts.get(id) ?? 1) - 1;
      this.openCounts.set(id, left);
      if (left > 0) return;
      this.session.subscribe(id, false);
      this.model.conversation(id).isOpen = false;
      this.model.conversation(id).dropOlder();
    };
  }

  /** @internal */
  async loadOlder(id: string, limit: number): Promise<void> {
    const model = this.model.conversation(id);
    const before_seq = model.beginLoading();
    if (before_seq === undefined) return;
    let page;
    try {
      page = await this.api.messages.history(id, { before_seq, limit });
    } finally {
      const stale = model.endLoading(page);
      if (stale.length > 0) void this.reload(id, stale);
    }
  }

  /** @internal */
  upload(id: string, source: UploadSource, key = this.environment.randomUUID()): FileUpload {
    const upload = new FileUpload(this.requests, this.api, id, source, key);
    this.uploadList.change([...this.uploadList.get(), upload]);
    upload.resume();
    return upload;
  }

  private async learned(asked: Promise<Conversation>): Promise<Conversation> {
    return this.learn(await asked);
  }

  private happened(event: ClientEvent): void {
    // Who has sent a message has stopped typing, whether or not that is said.
    if (event.type === "arrived")
      for (const { conversation_id, sender_id } of event.messages)
        this.typingIndicators.received(conversation_id, sender_id, false);
    if (event.type === "file") for (const upload of this.uploadList.get()) upload.pushed(event.file);
    for (const listener of [...this.listeners]) listener(event);
  }

  /** Loads the watermarks of members: pushes tell of later ones only, and not of all. */
  private async loadReceipts(conversation_id: string): Promise<void> {
    try {
      for await (const { user_id, delivered, read } of pages((query) =>
        this.api.conversations.receipts(conversation_id, query),
      )) {
        const receipts = [
          ...(delivered === null ? [] : [{ kind: "delivered" as const, conversation_id, user_id, ...delivered }]),
          ...(read === null ? [] : [{ kind: "read" as const, conversation_id, user_id, ...read }]),
        ];
        if (receipts.length > 0) this.session.command({ type: "receipts", receipts });
      }
    } catch {
      // Former members have no right to them; otherwise the next opening asks again.
    }
  }

  /** Loads older messages again whose reactions have changed. */
  private async reload(id: string, seqs: readonly number[]): Promise<void> {
    for (const seq of seqs) {
      try {
        const { messages } = await this.api.messages.history(id, { after_seq: seq - 1, limit: 1 });
        this.model.conversation(id).add(messages.filter((message) => message.seq === seq));
      } catch {
        // They stay as they are until the page is loaded again.
      }
    }
  }
}
