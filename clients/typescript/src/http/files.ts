/** Files over HTTP. */

import type { File, SignedPart, Upload } from "../protocol/index.js";
import type { Requests } from "./requests.js";

/** A file as it is announced. */
export interface Announcement {
  readonly name: string;
  /** A media type without parameters. */
  readonly content_type: string;
  readonly size: number;
  /** 64 hex digits: the SHA-256 of the whole file. */
  readonly sha256: string;
}

/** The message that gives access to a file; its owner needs none. */
export interface FileOrigin {
  readonly conversation_id: string;
  readonly seq: number;
}

/** A link to the bytes of a file. It needs no token, and is good for five minutes: cache the bytes by `file_id`, not the link. */
export interface DownloadLink {
  readonly url: string;
  readonly expires_at: string;
}

/** The requests about files. {@link ConversationHandle.upload} makes those of an upload. */
export class FilesApi {
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** Announces a file to a conversation; the same key with the same file returns the same announcement. */
  announce(
    conversationId: string,
    file: Announcement,
    idempotencyKey: string,
  ): Promise<{ file: File; upload?: Upload }> {
    return this.requests.ask("POST", `/v1/conversations/${conversationId}/files`, { body: file, idempotencyKey });
  }

  /** Signs requests for up to 100 parts. */
  async signParts(
    fileId: string,
    parts: readonly { part_number: number; sha256: string }[],
  ): Promise<readonly SignedPart[]> {
    return (await this.requests.ask<{ parts: SignedPart[] }>("POST", `/v1/files/${fileId}/parts`, { body: { parts } }))
      .parts;
  }

  /** Joins the parts. Rejects with `upload_incomplete` if some are missing. */
  complete(fileId: string): Promise<File> {
    return this.requests.ask("POST", `/v1/files/${fileId}/complete`);
  }

  /** Returns one of the user's own files. */
  get(fileId: string): Promise<File> {
    return this.requests.ask("GET", `/v1/files/${fileId}`);
  }

  /** Cancels an upload, or deletes a file that no message references. */
  delete(fileId: string): Promise<void> {
    return this.requests.ask("DELETE", `/v1/files/${fileId}`);
  }

  /** Returns a link to a file. */
  link(fileId: string, origin?: FileOrigin): Promise<DownloadLink> {
    return this.requests.ask("GET", `/v1/files/${fileId}/content`, { query: { ...origin } });
  }

  /** Returns a link to a thumbnail with a longest side of 320 or 1280 pixels. */
  thumbnail(fileId: string, size: 320 | 1280, origin?: FileOrigin): Promise<DownloadLink> {
    return this.requests.ask("GET", `/v1/files/${fileId}/thumbnail`, { query: { size, ...origin } });
  }
}
