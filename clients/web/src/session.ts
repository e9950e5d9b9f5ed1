/** Who has signed in, in this tab. */

import { createClient, IndexedDbStore, type Client } from "@palaver/client";
import { localToken, type Deployment } from "./deployment";
import { accessToken, forgetSignIn, keptSignIn, SignedOut, type HostedSignIn } from "./hosted-sign-in";
import { issuerOf } from "./people/person-id";

const KEY = "palaver.name";

/** Somebody who has signed in. */
export interface Person {
  /** The name in the place of their tokens' `sub`, which tells two people apart. */
  readonly subject: string;
  /** The name of a new profile. */
  readonly name: string;
}

/** Returns who has signed in before. Two windows of a local cloud may have two people; a new tab takes over the last one. */
export function rememberedPerson({ sign_in }: Deployment): Person | undefined {
  if (sign_in !== undefined) return keptSignIn();
  const asked = new URLSearchParams(window.location.search).get("as");
  const name = asked ?? sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined;
  return name === undefined ? undefined : localPerson(name);
}

/** Somebody with a name at the local issuer. */
export function localPerson(name: string): Person {
  return { subject: name, name };
}

/** Keeps the name over reloads; `undefined` forgets it. */
export function rememberName(name: string | undefined): void {
  for (const storage of [sessionStorage, localStorage]) {
    if (name === undefined) storage.removeItem(KEY);
    else storage.setItem(KEY, name);
  }
}

/** Makes the client of somebody. `onSignedOut` is called when the issuer wants a new sign-in. */
export function clientFor(deployment: Deployment, { subject, name }: Person, onSignedOut: () => void): Client {
  const { http, websocket, local_issuer, sign_in } = deployment;
  const token = tokenSource(sign_in, local_issuer, subject, onSignedOut);
  return createClient({
    http,
    websocket,
    getToken: () => {
      const asked = token();
      lastIssuer = asked.then(issuerOf);
      // A failure is the client's to report.
      lastIssuer.catch(() => undefined);
      return asked;
    },
    displayName: name,
    store: new IndexedDbStore(`${http} ${subject}`),
  });
}

function tokenSource(
  hosted: HostedSignIn | undefined,
  issuer: string | undefined,
  subject: string,
  onSignedOut: () => void,
): () => Promise<string> {
  if (hosted !== undefined)
    return () =>
      accessToken(hosted).catch((error: unknown) => {
        if (error instanceof SignedOut) {
          forgetSignIn();
          onSignedOut();
        }
        throw error;
      });
  if (issuer === undefined) throw new Error("this deployment has no issuer of tokens");
  return () => localToken(issuer, subject);
}

let lastIssuer: Promise<string> | undefined;

/** The issuer of the tokens, by which users have their ids. */
export function tokenIssuer(): Promise<string> {
  return lastIssuer ?? Promise.reject(new Error("nobody has signed in"));
}
