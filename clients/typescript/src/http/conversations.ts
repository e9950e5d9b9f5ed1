/** Conversations and their members over HTTP. */

import type {
  Conversation,
  Custom,
  HistoryPolicy,
  Member,
  MemberReceipts,
  Message,
  NotificationLevel,
  Presence,
  PublicConversation,
  Role,
  Settings,
} from "../protocol/index.js";
import type { Requests } from "./requests.js";

/** A page of a list. */
export interface Page<T> {
  readonly entries: readonly T[];
  /** Where the next page begins; `null` after the last one. A page may be short, or empty, and not be the last. */
  readonly cursor: string | null;
}

/** The part of a list that is asked for. */
export interface PageQuery {
  readonly limit?: number;
  /** The `cursor` of the page before. */
  readonly cursor?: string;
}

/** A new group or public conversation. */
export interface NewConversation {
  readonly type: "group" | "public";
  readonly title: string;
  readonly topic?: string;
  /** What the app adds; at most 4 KB. */
  readonly custom?: Custom;
  /** `since_join` by default. */
  readonly history?: HistoryPolicy;
  /** Other members, at most 49. */
  readonly member_ids?: readonly string[];
}

/** A change of a conversation; what is absent stays. */
export interface ConversationChange {
  readonly title?: string;
  /** `null` removes it. */
  readonly topic?: string | null;
  /** `null` removes it. */
  readonly custom?: Custom | null;
  /** `null` leaves it to the deployment. */
  readonly retention_days?: number | null;
  /** Blocks or unblocks the other user of a private conversation. */
  readonly blocked?: boolean;
}

/** A change of the user's settings of a conversation; what is absent stays. */
export interface SettingsChange {
  readonly notification_level?: NotificationLevel;
  /** `null` ends the mute. */
  readonly notifications_muted_until?: string | null;
  readonly archived?: boolean;
  readonly pinned?: boolean;
  readonly marked_unread?: boolean;
}

/** A change of a member; what is absent stays. */
export interface MemberChange {
  readonly role?: Role;
  /** `null` ends a mute. */
  readonly muted_until?: string | null;
}

/** The requests about conversations. All reject with a `PalaverError` of the codes that `docs/protocol.md` lists for the route. */
export class ConversationsApi {
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** Creates a group or a public conversation, with the user as owner. */
  create(
    conversation: NewConversation,
    idempotencyKey = this.requests.environment.randomUUID(),
  ): Promise<Conversation> {
    return this.requests.ask("POST", "/v1/conversations", { body: conversation, idempotencyKey });
  }

  /** Returns the private conversation with another user. There is one per pair, however often it is asked for. */
  withUser(userId: string): Promise<Conversation> {
    return this.requests.ask("POST", "/v1/conversations", { body: { type: "private", member_ids: [userId] } });
  }

  /** Returns one conversation. */
  get(id: string): Promise<Conversation> {
    return this.requests.ask("GET", `/v1/conversations/${id}`);
  }

  /** Changes title, topic, `custom` or retention, or blocks the other user of a private conversation. */
  change(id: string, change: ConversationChange): Promise<Conversation> {
    return this.requests.ask("PATCH", `/v1/conversations/${id}`, { body: change });
  }

  /** Changes the user's own settings of a conversation, and returns all of them. */
  changeSettings(id: string, change: SettingsChange): Promise<Settings> {
    return this.requests.ask("PATCH", `/v1/conversations/${id}/settings`, { body: change });
  }

  /** Returns a page of the pinned messages, newest first. */
  async pins(id: string, query: PageQuery = {}): Promise<Page<Message>> {
    const { messages, cursor } = await this.requests.ask<{ messages: Message[]; cursor: string | null }>(
      "GET",
      `/v1/conversations/${id}/pins`,
      { query: { ...query } },
    );
    return { entries: messages, cursor };
  }

  /** Pins a message for everybody, or ends that. */
  pin(id: string, seq: number, on = true): Promise<void> {
    return this.requests.ask(on ? "PUT" : "DELETE", `/v1/conversations/${id}/pins/${seq}`);
  }

  /** Closes a conversation: it can be read and left from then on. */
  close(id: string): Promise<void> {
    return this.requests.ask("DELETE", `/v1/conversations/${id}`);
  }

  /** Finds public conversations by words of title and topic. */
  async findPublic(query: PageQuery & { readonly q?: string } = {}): Promise<Page<PublicConversation>> {
    const { conversations, cursor } = await this.requests.ask<{
      conversations: PublicConversation[];
      cursor: string | null;
    }>("GET", "/v1/public-conversations", { query: { ...query } });
    return { entries: conversations, cursor };
  }

  /** Returns a page of the members. */
  async members(id: string, query: PageQuery = {}): Promise<Page<Member>> {
    const { members, cursor } = await this.page<{ members: Member[] }>(`/v1/conversations/${id}/members`, query);
    return { entries: members, cursor };
  }

  /** Adds all of these users, at most 50, or none. */
  addMembers(id: string, userIds: readonly string[]): Promise<void> {
    return this.requests.ask("POST", `/v1/conversations/${id}/members`, { body: { user_ids: userIds } });
  }

  /** Joins a public conversation. */
  join(id: string): Promise<Member> {
    return this.requests.ask("PUT", `/v1/conversations/${id}/members/me`);
  }

  /** Gives a member another role, or mutes them. */
  changeMember(id: string, userId: string, change: MemberChange): Promise<Member> {
    return this.requests.ask("PATCH", `/v1/conversations/${id}/members/${userId}`, { body: change });
  }

  /** Removes a member; `me` leaves. */
  removeMember(id: string, userId: string): Promise<void> {
    return this.requests.ask("DELETE", `/v1/conversations/${id}/members/${userId}`);
  }

  /** Returns a page of the watermarks of all members. */
  async receipts(id: string, query: PageQuery = {}): Promise<Page<MemberReceipts>> {
    const { receipts, cursor } = await this.page<{ receipts: MemberReceipts[] }>(
      `/v1/conversations/${id}/receipts`,
      query,
    );
    return { entries: receipts, cursor };
  }

  /** Returns a page of who is online. */
  async presence(id: string, query: PageQuery = {}): Promise<Page<Presence>> {
    const { members, cursor } = await this.page<{ members: Presence[] }>("/v1/presence", {
      conversation_id: id,
      ...query,
    });
    return { entries: members, cursor };
  }

  private page<T>(
    path: string,
    query: PageQuery & { conversation_id?: string },
  ): Promise<T & { cursor: string | null }> {
    return this.requests.ask("GET", path, { query: { ...query } });
  }
}
