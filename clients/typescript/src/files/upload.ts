/** The upload of one file: announcement, bytes, inspection. */

import { fullJitter } from "../connection/backoff.js";
import { PalaverError } from "../errors.js";
import type { Api } from "../http/api.js";
import type { Requests } from "../http/requests.js";
import {
  MAX_PARTS_PER_REQUEST,
  type Attachment,
  type File,
  type SignedPart,
  type SignedRequest,
} from "../protocol/index.js";
import { Cell, type Observable } from "../state/observable.js";
import { sha256 } from "./sha256.js";

/** The progress of an upload. */
export interface UploadState {
  /** `paused` means that it failed for now: `resume` goes on. The others in their order, and `rejected`, `failed` or `cancelled` at the end. */
  readonly status: "hashing" | "sending" | "inspecting" | "ready" | "paused" | "rejected" | "failed" | "cancelled";
  readonly sentBytes: number;
  readonly size: number;
  /** The file, once it is announced; with `status` `ready`, `draft.attachments` takes it. */
  readonly file?: File;
  /** The reason for `paused` and `failed`. */
  readonly error?: unknown;
}

/** What is uploaded. A `File` of a browser has all of it. */
export interface UploadSource {
  readonly name: string;
  readonly content_type: string;
  readonly bytes: Blob;
}

/** Attempts to send the same bytes before the upload pauses. */
const MAX_ATTEMPTS = 5;

/** First and longest wait for the inspection before the server is asked, in milliseconds. The push usually comes first. */
const INSPECTION: readonly [number, number] = [2_000, 30_000];

/** An upload that is under way. */
export class FileUpload {
  /** The announcement's key: the same key for the same file, after a reload too, goes on with the same file. */
  readonly key: string;
  readonly conversationId: string;
  readonly source: UploadSource;
  private readonly cell: Cell<UploadState>;
  private readonly api: Api;
  private readonly requests: Requests;
  private readonly sentParts = new Set<number>();
  private aborter = new AbortController();
  private hash: string | undefined;
  private inspected: ((file: File) => void) | undefined;

  constructor(requests: Requests, api: Api, conversationId: string, source: UploadSource, key: string) {
    this.requests = requests;
    this.api = api;
    this.conversationId = conversationId;
    this.source = source;
    this.key = key;
    this.cell = new Cell<UploadState>({ status: "hashing", sentBytes: 0, size: source.bytes.size });
  }

  /** The progress. */
  get state(): Observable<UploadState> {
    return this.cell;
  }

  /** Resolves with the file once it can be attached. Rejects when it is rejected, refused or cancelled; a pause only delays it. */
  ready(): Promise<Attachment> {
    return new Promise((resolve, reject) => {
      const check = (): boolean => {
        const { status, file, error } = this.cell.get();
        if (status === "ready" && file !== undefined) resolve(file);
        else if (status === "rejected") reject(new Error(`the file was rejected: ${file?.reason ?? ""}`));
        else if (status === "failed") reject(error instanceof Error ? error : new Error("the upload failed"));
        else if (status === "cancelled") reject(new DOMException("the upload was cancelled", "AbortError"));
        else return false;
        return true;
      };
      if (check()) return;
      const stop = this.cell.subscribe(() => {
        if (check()) stop();
      });
    });
  }

  /** Begins, or goes on after a pause: bytes that have arrived are not sent again. */
  resume(): void {
    const { status } = this.cell.get();
    if (status !== "hashing" && status !== "paused") return;
    this.aborter = new AbortController();
    this.run().catch((error: unknown) => {
      if (this.cell.get().status === "cancelled") return;
      const isFinal = error instanceof PalaverError && !error.retryable;
      this.change({ status: isFinal ? "failed" : "paused", error });
    });
  }

  /** Stops sending, until `resume`. */
  pause(): void {
    if (this.cell.get().status !== "sending") return;
    this.aborter.abort();
    this.change({ status: "paused" });
  }

  /** Gives the upload up, and has the server forget the file. */
  async cancel(): Promise<void> {
    const { status, file } = this.cell.get();
    if (status === "rejected" || status === "failed" || status === "cancelled") return;
    this.change({ status: "cancelled" });
    this.aborter.abort();
    if (file !== undefined) await this.api.files.delete(file.file_id);
  }

  /** Takes notice of a push. */
  pushed(file: File): void {
    if (file.file_id === this.cell.get().file?.file_id) this.inspected?.(file);
  }

  private async run(): Promise<void> {
    const { signal } = this.aborter;
    const { bytes, name, content_type } = this.source;
    this.hash ??= await sha256(bytes, this.requests.environment.digest, signal);
    const announcement = { name, content_type, size: bytes.size, sha256: this.hash };
    const { file, upload } = await this.api.files.announce(this.conversationId, announcement, this.key);
    signal.throwIfAborted();
    this.change({ status: "sending", file });
    if (upload !== undefined) {
      if ("url" in upload) await this.send(upload, bytes, 0, signal);
      else await this.sendParts(file.file_id, upload.part_size, signal);
    }
    this.change({ status: "inspecting", sentBytes: bytes.size });
    const inspected = file.status === "pending" ? await this.inspection(file.file_id, signal) : file;
    this.change({ status: inspected.status === "ready" ? "ready" : "rejected", file: inspected });
  }

  /** Sends the parts that have not arrived, one after the other. */
  private async sendParts(fileId: string, partSize: number, signal: AbortSignal): Promise<void> {
    const { bytes } = this.source;
    const { digest } = this.requests.environment;
    const count = Math.ceil(bytes.size / partSize);
    const missing = Array.from({ length: count }, (_, index) => index + 1).filter(
      (number) => !this.sentParts.has(number),
    );
    const part = (number: number): Blob => bytes.slice((number - 1) * partSize, number * partSize);
    for (let from = 0; from < missing.length; from += MAX_PARTS_PER_REQUEST) {
      const asked = [];
      for (const part_number of missing.slice(from, from + MAX_PARTS_PER_REQUEST)) {
        asked.push({ part_number, sha256: await sha256(part(part_number), digest, signal) });
      }
      for (const signed of await this.api.files.signParts(fileId, asked)) {
        const fresh = await this.stillSigned(fileId, signed, asked);
        await this.send(fresh, part(signed.part_number), this.sentParts.size * partSize, signal);
        this.sentParts.add(signed.part_number);
      }
    }
    try {
      await this.api.files.complete(fileId);
    } catch (error) {
      // What was sent is not all there: the next attempt sends all parts.
      if (error instanceof PalaverError && error.code === "upload_incomplete") {
        this.sentParts.clear();
        throw new Error("parts of the upload are missing", { cause: error });
      }
      throw error;
    }
  }

  /** Signs a part again whose request has expired. */
  private async stillSigned(
    fileId: string,
    signed: SignedPart,
    asked: readonly { part_number: number; sha256: string }[],
  ): Promise<SignedPart> {
    if (Date.parse(signed.expires_at) > this.requests.environment.now()) return signed;
    const part = asked.filter(({ part_number }) => part_number === signed.part_number);
    return (await this.api.files.signParts(fileId, part))[0] ?? signed;
  }

  /** Sends bytes as they were signed; repeats that a few times. */
  private async send(request: SignedRequest, body: Blob, before: number, signal: AbortSignal): Promise<void> {
    const { environment, pace } = this.requests;
    // The platform sets the length itself, and refuses others.
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== "content-length"),
    );
    const progress = (sent: number): void => {
      this.change({ sentBytes: before + Math.min(sent, body.size) });
    };
    for (let attempt = 0; ; attempt++) {
      let failure: unknown;
      try {
        const status = await environment.put({
          method: request.method,
          url: request.url,
          headers,
          body,
          signal,
          progress,
        });
        if (status >= 200 && status < 300) return;
        failure = new Error(`storage answers ${status}`);
        // The request is refused as it is: another announcement may help, a repeat does not.
        if (status < 500 && status !== 429) throw new Error("storage refuses the bytes", { cause: failure });
      } catch (error) {
        if (signal.aborted || failure !== undefined) throw error;
        failure = error;
      }
      progress(0);
      if (attempt + 1 >= MAX_ATTEMPTS) throw failure;
      await this.requests.pause(fullJitter(attempt, pace.retry, environment.random), signal);
    }
  }

  /** Waits for the push, and asks if it does not come. */
  private async inspection(fileId: string, signal: AbortSignal): Promise<File> {
    const pushed = new Promise<File>((resolve) => {
      this.inspected = resolve;
    });
    for (let wait = INSPECTION[0]; ; wait = Math.min(wait * 2, INSPECTION[1])) {
      const file = await Promise.race([
        pushed,
        this.requests.pause(wait, signal).then(() => this.api.files.get(fileId)),
      ]);
      if (file.status !== "pending") return file;
    }
  }

  private change(change: Partial<UploadState>): void {
    this.cell.change({ ...this.cell.get(), ...change });
  }
}
