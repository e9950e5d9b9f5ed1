/** The errors of the protocol, over both transports. */

/** An error of the server. The words are for developers; programs decide by `code` and `retryable`. */
export interface ErrorBody {
  /** A stable code, such as `not_a_member`; `""` if API Gateway itself refused the request. */
  readonly code: string;
  readonly detail: string;
  /** True if the same request may succeed later. */
  readonly retryable: boolean;
  readonly retry_after_ms: number | null;
  /** Leads to the server's log. */
  readonly request_id?: string;
}

/** What an error may look like: API Gateway's own answers have none of these fields. */
type WireError = Partial<ErrorBody>;

/** Statuses of API Gateway's own answers that are worth a retry. */
const RETRYABLE_STATUSES: readonly number[] = [429, 500, 502, 503, 504];

/** Reads an error from a frame, or from the body of an HTTP answer with this status. */
export function readError(body: unknown, status = 0): ErrorBody {
  const error = (typeof body === "object" && body !== null ? body : {}) as WireError;
  return {
    code: error.code ?? "",
    detail: error.detail ?? `status ${status}`,
    retryable: error.retryable ?? RETRYABLE_STATUSES.includes(status),
    retry_after_ms: error.retry_after_ms ?? null,
    ...(error.request_id === undefined ? {} : { request_id: error.request_id }),
  };
}
