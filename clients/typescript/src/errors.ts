/** The errors that the client's promises reject with. */

import type { ErrorBody } from "./protocol/index.js";

/** A request that the server refused. */
export class PalaverError extends Error {
  override readonly name = "PalaverError";
  /** A stable code, such as `not_a_member`; `""` if API Gateway itself refused the request. */
  readonly code: string;
  /** True if the same request may succeed later. */
  readonly retryable: boolean;
  /** Wait at least so long before a repeat. */
  readonly retryAfter: number | undefined;
  /** The HTTP status; 0 for an answer over WebSocket. */
  readonly status: number;
  /** Leads to the server's log. */
  readonly requestId: string | undefined;

  constructor(error: ErrorBody, status = 0) {
    super(`${error.code === "" ? "refused" : error.code}: ${error.detail}`);
    this.code = error.code;
    this.retryable = error.retryable;
    this.retryAfter = error.retry_after_ms ?? undefined;
    this.status = status;
    this.requestId = error.request_id;
  }
}

/** The reason for which the client has stopped: no repeat of the same would change it. */
export type Refusal = "token_expired" | "token_refused" | "user_deleted" | "profile_required";

/** The client was stopped, or refused, before the request had a result. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
  constructor() {
    super("the client has stopped");
  }
}
