/** A client's place among the tabs: it follows, and leads when nobody else does. */

import { fullJitter } from "./connection/backoff.js";
import { Engine } from "./engine/engine.js";
import type { HistoryLimits } from "./engine/log-intake.js";
import type { Command } from "./engine/command.js";
import { PalaverError, type Refusal } from "./errors.js";
import type { Api } from "./http/api.js";
import type { Requests } from "./http/requests.js";
import type { Profile } from "./protocol/index.js";
import type { Change, ConnectionState } from "./state/change.js";
import type { Model } from "./state/model.js";
import type { Store } from "./store/store.js";
import { Tabs } from "./tabs/tabs.js";

/** What a session works with. */
export interface SessionParts {
  readonly url: string;
  readonly requests: Requests;
  readonly api: Api;
  readonly store: Store;
  readonly model: Model;
  readonly displayName: string | undefined;
  readonly limits: HistoryLimits;
  readonly onError: (error: unknown) => void;
}

/** A session. */
export class Session {
  private readonly parts: SessionParts;
  private readonly tabs: Tabs;
  private readonly tab: string;
  private engine: Engine | undefined;
  private started: Promise<void> | undefined;
  private leading = false;
  private stopped = false;
  /** Commands since the last sign of a leader: this tab may become the leader. */
  private pending: Command[] = [];
  /** Changes that arrived while the store was being loaded. */
  private early: Change[] | undefined = [];
  /** What the leader is told again when it changes. */
  private readonly subscribed = new Set<string>();
  private readonly lastReads = new Map<string, number>();

  constructor(parts: SessionParts) {
    this.parts = parts;
    const { environment } = parts.requests;
    this.tab = environment.randomUUID();
    this.tabs = new Tabs(parts.store.name, environment, {
      changes: (changes) => {
        this.pending = [];
        if (this.early === undefined) parts.model.apply(changes);
        else this.early.push(...changes);
      },
      command: (command) => {
        if (this.engine !== undefined) this.engine.command(command);
        else if (this.leading) this.pending.push(command);
      },
      hello: () => {
        if (this.engine !== undefined) this.tabs.changes([{ type: "connection", state: this.engine.connectionState }]);
      },
      leader: () => {
        this.pending = [];
        this.repeatWishes();
      },
      lead: () => {
        void this.lead();
      },
    });
  }

  /** Loads the store, and waits to become the leader. */
  start(): Promise<void> {
    this.started ??= this.load().then(() => {
      if (!this.stopped) this.tabs.start();
    });
    return this.started;
  }

  /** Ends for good. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    await this.engine?.stop();
    this.tabs.stop();
    this.parts.store.close();
    this.show({ status: "stopped", caughtUp: false });
  }

  /** Has the leader carry out a command. */
  command(command: Command): void {
    if (this.stopped) return;
    if (this.engine !== undefined) {
      this.engine.command(command);
      return;
    }
    this.pending.push(command);
    if (!this.leading) this.tabs.command(command);
  }

  /** The user has seen everything up to a seq. */
  read(conversation_id: string, seq: number): void {
    if (seq <= (this.lastReads.get(conversation_id) ?? 0)) return;
    this.lastReads.set(conversation_id, seq);
    this.command({ type: "read", conversation_id, seq });
  }

  /** Somebody looks at a conversation in this tab, or nobody any more. */
  subscribe(conversation_id: string, open: boolean): void {
    if (open) this.subscribed.add(conversation_id);
    else this.subscribed.delete(conversation_id);
    this.command({ type: "subscribe", conversation_id, open, tab: this.tab });
  }

  /** The user's profile is another one; without one so far, the client begins to work. */
  async profileChanged(user: Profile): Promise<void> {
    const waits = this.leading && this.engine === undefined && this.parts.model.me.get() === undefined;
    await this.parts.store.commit({ user });
    this.publish([{ type: "user", user }]);
    if (waits && this.parts.model.connection.get().status === "stopped") await this.lead();
  }

  private async load(): Promise<void> {
    try {
      const [state, outgoing] = await Promise.all([this.parts.store.load(), this.parts.store.outgoing()]);
      this.parts.model.load(state, outgoing);
    } catch (error) {
      this.parts.onError(error);
    }
    this.parts.model.apply(this.early ?? []);
    this.early = undefined;
  }

  /** Becomes the leader: makes the engine from the store, as the leader before has left it. */
  private async lead(): Promise<void> {
    this.leading = true;
    const { store, model, onError, url, requests, api, limits } = this.parts;
    const me = await this.identify();
    if (me === undefined || this.stopped) return;
    const [state, outgoing] = await Promise.all([store.load(), store.outgoing()]);
    if (this.stopped as boolean) return;
    model.load(state, outgoing);
    const readers = {
      here: (changes: readonly Change[]) => {
        model.apply(changes);
      },
      elsewhere: (changes: readonly Change[]) => {
        this.tabs.changes(changes);
      },
      storeFailed: onError,
    };
    this.engine = new Engine({ me: me.user_id, url, requests, api, store, limits, readers }, state, outgoing);
    this.engine.start();
    for (const command of this.pending.splice(0)) this.engine.command(command);
    this.repeatWishes();
    this.tabs.announce();
  }

  /** Finds out who the user is: from the store, or from the server. `undefined` if the client cannot go on. */
  private async identify(): Promise<Profile | undefined> {
    const kept = this.parts.model.me.get();
    if (kept !== undefined) {
      void this.verify(kept);
      return kept;
    }
    const { requests, store } = this.parts;
    for (let attempt = 0; !this.stopped; attempt++) {
      try {
        this.show({ status: "connecting", caughtUp: false });
        const user = await this.askForProfile();
        await store.commit({ user });
        this.publish([{ type: "user", user }]);
        return user;
      } catch (error) {
        const refusal = refusalOf(error);
        this.show({
          status: refusal === undefined ? "waiting" : "stopped",
          caughtUp: false,
          ...(refusal === undefined ? {} : { refusal }),
        });
        if (refusal !== undefined) return undefined;
      }
      await requests.pause(fullJitter(attempt, requests.pace.reconnect, requests.environment.random));
    }
    return undefined;
  }

  /** A store that belongs to somebody else is emptied; the client stops, and has to be made anew. */
  private async verify(kept: Profile): Promise<void> {
    const user = await this.parts.api.users.me().catch(() => undefined);
    if (user === undefined || this.stopped) return;
    if (user.user_id === kept.user_id) {
      await this.parts.store.commit({ user });
      this.publish([{ type: "user", user }]);
      return;
    }
    await this.engine?.stop();
    this.engine = undefined;
    await this.parts.store.clear();
    this.parts.onError(new Error("the store belonged to another user: it was emptied"));
    this.show({ status: "stopped", caughtUp: false, refusal: "token_refused" });
  }

  private async askForProfile(): Promise<Profile> {
    const { api, displayName } = this.parts;
    try {
      return await api.users.me();
    } catch (error) {
      if (error instanceof PalaverError && error.code === "profile_required" && displayName !== undefined)
        return api.users.setProfile(displayName);
      throw error;
    }
  }

  private repeatWishes(): void {
    for (const conversation_id of this.subscribed)
      this.command({ type: "subscribe", conversation_id, open: true, tab: this.tab });
    for (const [conversation_id, seq] of this.lastReads) this.command({ type: "read", conversation_id, seq });
  }

  private publish(changes: readonly Change[]): void {
    this.parts.model.apply(changes);
    this.tabs.changes(changes);
  }

  private show(state: ConnectionState): void {
    this.parts.model.apply([{ type: "connection", state }]);
  }
}

/** The reason for which no repeat helps. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof PalaverError)) return undefined;
  if (error.code === "user_deleted" || error.code === "profile_required") return error.code;
  return error.status === 401 ? "token_refused" : undefined;
}
