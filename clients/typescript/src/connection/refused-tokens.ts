/** Handshakes that were refused. */

import { PalaverError, type Refusal } from "../errors.js";
import type { Requests } from "../http/requests.js";
import { expiryOf } from "./token.js";

/** Handshakes that are refused in a row before the client stops, with another token each time. */
const MAX_REFUSED = 3;

/** The tokens that were refused since the last connection. */
export class RefusedTokens {
  private count = 0;
  private last: string | undefined;

  /** A connection is up. */
  clear(): void {
    this.count = 0;
    this.last = undefined;
  }

  /** Counts a refusal. Returns true if another attempt would meet the same. */
  isFinal(refusal: Refusal, token: string): boolean {
    const same = this.last === token;
    this.last = token;
    return refusal === "user_deleted" || same || ++this.count >= MAX_REFUSED;
  }
}

/**
 * Asks why a handshake with this token failed: browsers do not say. `undefined` if HTTP accepts the token; then the reason was
 * another one, and may be over.
 */
export async function refusalOf(token: string, requests: Requests): Promise<Refusal | undefined> {
  try {
    await requests.once(token, "GET", "/v1/users/me");
  } catch (error) {
    if (!(error instanceof PalaverError)) return undefined;
    if (error.code === "user_deleted") return "user_deleted";
    if (error.status === 401)
      return (expiryOf(token) ?? Infinity) <= requests.environment.now() ? "token_expired" : "token_refused";
  }
  return undefined;
}
