/** History, changes of messages, mentions, and search over HTTP. */

import type { Custom, Message, RecipientStatus, SearchHit } from "../protocol/index.js";
import type { Page, PageQuery } from "./conversations.js";
import type { Requests } from "./requests.js";

/** The part of the history that is asked for: at most one of the three seqs; without any, the newest messages. */
export interface HistoryQuery {
  /** 50 by default, at most 100. */
  readonly limit?: number;
  readonly before_seq?: number;
  readonly after_seq?: number;
}

/** Messages, oldest first, without events: they show the results of them. */
export interface HistoryPage {
  readonly messages: readonly Message[];
  /** True if there is another page. */
  readonly more: boolean;
  /** The `before_seq` or `after_seq` of the next page. */
  readonly next: number | null;
  /** Everything up to this seq is gone because of its age. */
  readonly expired_seq?: number;
}

/** Messages that mention the user, newest first. */
export interface MentionsPage {
  readonly messages: readonly Message[];
  readonly cursor: string | null;
}

/** Messages around a seq. */
export interface HistoryAround {
  readonly messages: readonly Message[];
  readonly more_before: boolean;
  readonly more_after: boolean;
  readonly expired_seq?: number;
}

/** What a search looks for. `q` may be absent beside `has`. */
export interface SearchQuery extends PageQuery {
  readonly q?: string;
  readonly conversation_id?: string;
  readonly sender_id?: string;
  /** Only messages that were sent later than this timestamp. */
  readonly after?: string;
  readonly before?: string;
  readonly has?: "file" | "link" | "mention";
  /** `newest` first by default. */
  readonly order?: "newest" | "best";
}

/** The requests about messages. */
export class MessagesApi {
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** Returns a page of the history. A page may be short, or empty, while `more` is true. */
  history(conversationId: string, query: HistoryQuery = {}): Promise<HistoryPage> {
    return this.requests.ask("GET", messages(conversationId), { query: { ...query } });
  }

  /** Returns what was said around a message. */
  around(conversationId: string, seq: number, limit?: number): Promise<HistoryAround> {
    return this.requests.ask("GET", messages(conversationId), { query: { around_seq: seq, limit } });
  }

  /** Changes a text of the user; its mentions are those given. `custom` stays if absent; `null` removes it. */
  edit(
    conversationId: string,
    seq: number,
    text: string,
    mentions: readonly string[] = [],
    custom?: Custom | null,
  ): Promise<Message> {
    const body = { text, mentions, ...(custom === undefined ? {} : { custom }) };
    return this.requests.ask("PATCH", `${messages(conversationId)}/${seq}`, { body });
  }

  /** Deletes a text for everybody. */
  delete(conversationId: string, seq: number): Promise<void> {
    return this.requests.ask("DELETE", `${messages(conversationId)}/${seq}`);
  }

  /** Gives or withdraws a reaction. */
  react(conversationId: string, seq: number, emoji: string, on = true): Promise<Message> {
    const path = `${messages(conversationId)}/${seq}/reactions/${encodeURIComponent(emoji)}`;
    return this.requests.ask(on ? "PUT" : "DELETE", path);
  }

  /** Returns a page of who has received and read a message, and when. */
  async status(conversationId: string, seq: number, query: PageQuery = {}): Promise<Page<RecipientStatus>> {
    const path = `${messages(conversationId)}/${seq}/status`;
    const page = await this.requests.ask<{ recipients: RecipientStatus[]; cursor: string | null }>("GET", path, {
      query: { ...query },
    });
    return { entries: page.recipients, cursor: page.cursor };
  }

  /** Returns a page of the messages that mention the user, newest first, of all conversations that the user is in. */
  async mentions(query: PageQuery = {}): Promise<Page<Message>> {
    const page = await this.requests.ask<MentionsPage>("GET", "/v1/mentions", { query: { ...query } });
    return { entries: page.messages, cursor: page.cursor };
  }

  /**
   * Finds messages in all conversations of the user. Ask about 300 ms after the last key. Rejects with `search_off` where a
   * deployment has no search, and with an `AbortError` when the signal is aborted.
   */
  async search(query: SearchQuery, signal?: AbortSignal): Promise<Page<SearchHit>> {
    const page = await this.requests.ask<{ hits: SearchHit[]; cursor: string | null }>("GET", "/v1/search", {
      query: { ...query },
      ...(signal === undefined ? {} : { signal }),
    });
    return { entries: page.hits, cursor: page.cursor };
  }
}

function messages(conversationId: string): string {
  return `/v1/conversations/${conversationId}/messages`;
}
