/**
 * The sign-in at the issuer's own page: OAuth's code flow with PKCE (RFC 7636).
 *
 * The page never sees a password. A code that comes back counts only with the state that this browser made, and is exchanged with a
 * verifier that has never left it.
 */

/** The issuer, in `deployment.json`. */
export interface HostedSignIn {
  /** Where people sign in, such as `https://chat.auth.eu-central-1.amazoncognito.com/oauth2/authorize`. */
  readonly authorize: string;
  /** Where codes become tokens. */
  readonly token: string;
  /** Where people sign out, as at Cognito: with `client_id` and `logout_uri`. */
  readonly logout?: string;
  readonly client_id: string;
  /** By default `openid email`. */
  readonly scope?: string;
}

/** What is kept of somebody who has signed in. */
export interface Kept {
  readonly refresh_token: string;
  readonly subject: string;
  readonly name: string;
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** The sign-in is over: the refresh token is not accepted any more. */
export class SignedOut extends Error {}

const KEPT = "palaver.signed-in";
const ATTEMPT = "palaver.attempt";

/** Returns who has signed in, in any tab. */
export function keptSignIn(): Kept | undefined {
  const kept = localStorage.getItem(KEPT);
  return kept === null ? undefined : (JSON.parse(kept) as Kept);
}

/** Goes to the issuer's page. */
export async function beginSignIn({ authorize, client_id, scope = "openid email" }: HostedSignIn): Promise<void> {
  const [state, verifier] = [random(), random()];
  sessionStorage.setItem(ATTEMPT, JSON.stringify({ state, verifier }));
  const challenge = encoded(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
  const query = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: ownAddress(),
    scope,
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  window.location.assign(`${authorize}?${query}`);
}

/** Comes back from the issuer's page with a code in the address. Does nothing where there is none. */
export async function completeSignIn(hosted: HostedSignIn): Promise<void> {
  const answer = new URLSearchParams(window.location.search);
  const [state, code, error] = ["state", "code", "error"].map((name) => answer.get(name));
  if (state == null || (code == null && error == null)) return;
  const attempt = JSON.parse(sessionStorage.getItem(ATTEMPT) ?? "{}") as { state?: string; verifier?: string };
  sessionStorage.removeItem(ATTEMPT);
  // A code works once: a reload must not repeat it.
  window.history.replaceState(null, "", ownAddress() + window.location.hash);
  if (attempt.state !== state || attempt.verifier === undefined)
    throw new Error("This sign-in was not begun in this window. Please sign in again.");
  if (code == null) throw new Error(answer.get("error_description") ?? error ?? "The sign-in was refused.");
  const tokens = await ask(hosted, {
    grant_type: "authorization_code",
    code,
    redirect_uri: ownAddress(),
    code_verifier: attempt.verifier,
  });
  if (tokens.refresh_token === undefined) throw new Error("The issuer gives no refresh token.");
  const { sub } = claims(tokens.access_token);
  const { name, email } = tokens.id_token === undefined ? {} : claims(tokens.id_token);
  keep({
    refresh_token: tokens.refresh_token,
    subject: sub ?? "",
    name: name ?? email?.split("@")[0] ?? "New here",
  });
  unused = tokens.access_token;
}

/** The access token that came with the sign-in, for its first use. */
let unused: string | undefined;

/** Gets an access token. Rejects with `SignedOut` where the issuer wants a new sign-in. */
export async function accessToken(hosted: HostedSignIn): Promise<string> {
  const token = unused;
  unused = undefined;
  if (token !== undefined) return token;
  // One tab at a time: the issuer may replace the refresh token at each use.
  return await navigator.locks.request(KEPT, async () => {
    const kept = keptSignIn();
    if (kept === undefined) throw new SignedOut("signed out in another tab");
    const tokens = await ask(hosted, { grant_type: "refresh_token", refresh_token: kept.refresh_token });
    if (tokens.refresh_token !== undefined) keep({ ...kept, refresh_token: tokens.refresh_token });
    return tokens.access_token;
  });
}

/** Forgets the sign-in here, and ends it at the issuer. */
export function endSignIn({ logout, client_id }: HostedSignIn): void {
  forgetSignIn();
  if (logout === undefined) return;
  const query = new URLSearchParams({ client_id, logout_uri: ownAddress() });
  window.location.assign(`${logout}?${query}`);
}

/** Forgets the sign-in here. */
export function forgetSignIn(): void {
  localStorage.removeItem(KEPT);
  unused = undefined;
}

function keep(kept: Kept): void {
  localStorage.setItem(KEPT, JSON.stringify(kept));
}

async function ask({ token, client_id }: HostedSignIn, fields: Record<string, string>): Promise<Tokens> {
  const response = await fetch(token, { method: "POST", body: new URLSearchParams({ client_id, ...fields }) });
  if (response.ok) return (await response.json()) as Tokens;
  // 400 is the answer to a grant that has ended; anything else may be over soon.
  if (response.status === 400) throw new SignedOut("the issuer wants a new sign-in");
  throw new Error(`the issuer answers ${response.status}`);
}

/** The address of this page, to which the issuer sends people back. */
function ownAddress(): string {
  return window.location.origin + window.location.pathname;
}

function claims(token: string): Partial<Record<"sub" | "name" | "email", string>> {
  const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(payload), (character) => character.codePointAt(0) ?? 0);
  return JSON.parse(new TextDecoder().decode(bytes)) as Partial<Record<"sub" | "name" | "email", string>>;
}

function random(): string {
  return encoded(crypto.getRandomValues(new Uint8Array(32)));
}

/** Base64 for URLs, without padding. */
function encoded(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}
