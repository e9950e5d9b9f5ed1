/** The deployment that this page belongs to. */

import type { HostedSignIn } from "./hosted-sign-in";

/** Its addresses, in the file `deployment.json` beside the page. */
export interface Deployment {
  readonly http: string;
  readonly websocket: string;
  /** The token endpoint of a local cloud, where every name signs in. */
  readonly local_issuer?: string;
  /** The page at which people sign in. */
  readonly sign_in?: HostedSignIn;
}

/** Loads the addresses. Rejects where there are none. */
export async function loadDeployment(): Promise<Deployment> {
  const response = await fetch("/deployment.json");
  if (!response.ok) throw new Error(((await response.json()) as { message: string }).message);
  return (await response.json()) as Deployment;
}

/** Gets a token of the local issuer. */
export async function localToken(issuer: string, username: string): Promise<string> {
  const response = await fetch(issuer, { method: "POST", body: JSON.stringify({ username }) });
  if (!response.ok) throw new Error(`the issuer answers ${response.status}`);
  return ((await response.json()) as { access_token: string }).access_token;
}
