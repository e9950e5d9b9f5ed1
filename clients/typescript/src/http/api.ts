/** The HTTP API, by subject. */

import { ConversationsApi } from "./conversations.js";
import { ExportsApi } from "./exports.js";
import { FilesApi } from "./files.js";
import { MessagesApi } from "./messages.js";
import type { Requests } from "./requests.js";
import { UsersApi } from "./users.js";

/**
 * The requests of the protocol, one method each. They work without a connection, and repeat what is retryable a few times.
 *
 * All methods reject with a `PalaverError` when the server refuses.
 */
export class Api {
  readonly users: UsersApi;
  readonly conversations: ConversationsApi;
  readonly messages: MessagesApi;
  readonly files: FilesApi;
  readonly exports: ExportsApi;

  constructor(requests: Requests) {
    this.users = new UsersApi(requests);
    this.conversations = new ConversationsApi(requests);
    this.messages = new MessagesApi(requests);
    this.files = new FilesApi(requests);
    this.exports = new ExportsApi(requests);
  }
}
