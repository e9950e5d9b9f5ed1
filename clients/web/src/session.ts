/** Who has signed in, in this tab. */

import { createClient, IndexedDbStore, type Client } from "@palaver/client";
import { localToken, type Deployment } from "./deployment";
import { issuerOf } from "./people/person-id";

const KEY = "palaver.name";

/** The name of this tab; two windows may have two. A new tab takes over the last one. */
export function rememberedName(): string | undefined {
  const asked = new URLSearchParams(window.location.search).get("as");
  return asked ?? sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined;
}

/** Keeps the name over reloads; `undefined` forgets it. */
export function rememberName(name: string | undefined): void {
  for (const storage of [sessionStorage, localStorage]) {
    if (name === undefined) storage.removeItem(KEY);
    else storage.setItem(KEY, name);
  }
}

/** Makes the client of a user of the local issuer. */
export function clientFor({ http, websocket, local_issuer }: Deployment, name: string): Client {
  if (local_issuer === undefined) throw new Error("this deployment has no local issuer");
  return createClient({
    http,
    websocket,
    getToken: () => {
      const token = localToken(local_issuer, name);
      lastIssuer = token.then(issuerOf);
      // A failure is the client's to report.
      lastIssuer.catch(() => undefined);
      return token;
    },
    displayName: name,
    store: new IndexedDbStore(`${http} ${name}`),
  });
}

let lastIssuer: Promise<string> | undefined;

/** The issuer of the tokens, by which users have their ids. */
export function localIssuer(): Promise<string> {
  return lastIssuer ?? Promise.reject(new Error("nobody has signed in"));
}
