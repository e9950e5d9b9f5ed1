/** Access tokens: a cache, and the claims that a client reads from them. */

/** Gets an access token of the user, for example from the issuer. Called when there is none, and shortly before it expires. */
export type GetToken = () => Promise<string>;

/** A token is not used for new requests in its last two minutes: a connection is renewed one minute before its end. */
const FRESH_FOR = 120_000;

/** Keeps the token of an issuer until shortly before its end. */
export class TokenCache {
  private cached: { readonly token: string; readonly fetched: number } | undefined;
  private asking: Promise<string> | undefined;
  private readonly getToken: GetToken;
  private readonly now: () => number;

  constructor(getToken: GetToken, now: () => number) {
    this.getToken = getToken;
    this.now = now;
  }

  /** Returns a token that is good for a while. Concurrent callers share one request. */
  async token(): Promise<string> {
    if (this.cached !== undefined && isFresh(this.cached, this.now())) return this.cached.token;
    this.asking ??= this.getToken().finally(() => {
      this.asking = undefined;
    });
    const token = await this.asking;
    this.cached = { token, fetched: this.now() };
    return token;
  }

  /** Drops a token that was not accepted. */
  drop(token: string): void {
    if (this.cached?.token === token) this.cached = undefined;
  }
}

/** Returns the time at which a token expires, in milliseconds since 1970; `undefined` if it does not say. */
export function expiryOf(token: string): number | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const { exp } = JSON.parse(atob(payload)) as { exp?: unknown };
    return typeof exp === "number" && exp > 0 && Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

/** A short-lived token is used for half of its life. */
function isFresh({ token, fetched }: { token: string; fetched: number }, now: number): boolean {
  const expiry = expiryOf(token);
  return expiry === undefined || expiry - now > Math.min(FRESH_FOR, (expiry - fetched) / 2);
}
