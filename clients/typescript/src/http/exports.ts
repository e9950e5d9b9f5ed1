/** Exports over HTTP. */

import type { Export } from "../protocol/index.js";
import type { Requests } from "./requests.js";

/** The requests about exports: ZIP files of messages and files. */
export class ExportsApi {
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** Has an export written of what the user may see. The event `export` tells when it is ready. */
  ofUser(options: { readonly messages?: "sent" | "visible"; readonly files?: boolean } = {}): Promise<Export> {
    return this.requests.ask("POST", "/v1/users/me/export", { body: options });
  }

  /** Has an export written of a conversation, for its owners. */
  ofConversation(conversationId: string, options: { readonly files?: boolean } = {}): Promise<Export> {
    return this.requests.ask("POST", `/v1/conversations/${conversationId}/export`, { body: options });
  }

  /** Returns the state of an export, with a link once it is ready. */
  get(exportId: string): Promise<Export> {
    return this.requests.ask("GET", `/v1/exports/${exportId}`);
  }

  /** Cancels an export, or deletes a finished one. */
  delete(exportId: string): Promise<void> {
    return this.requests.ask("DELETE", `/v1/exports/${exportId}`);
  }
}
