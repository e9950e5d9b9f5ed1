/** Builds the page, and serves it for the tests with the addresses of their local cloud. */

import { build, preview } from "vite";
import type { TestProject } from "vitest/node";

/** The addresses of a local cloud, which the set-up before this one provides. */
export interface Endpoints {
  readonly http: string;
  readonly websocket: string;
  readonly oidc_token: string;
}

declare module "vitest" {
  interface ProvidedContext {
    page: string;
    endpoints: Endpoints;
  }
}

/** That of a deployed page, with all addresses of this machine in the place of the deployment's. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
  "connect-src 'self' http://127.0.0.1:* ws://127.0.0.1:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Called by Vitest after the local cloud has started. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Vitest says "test", with which the page would have React's development build.
  process.env.NODE_ENV = "production";
  await build({ logLevel: "warn" });
  const { http, websocket, oidc_token } = project.getProvidedContext().endpoints;
  process.env.PALAVER_DEPLOYMENT = JSON.stringify({ http, websocket, local_issuer: oidc_token });
  const server = await preview({
    preview: { port: 0, host: "127.0.0.1", headers: { "content-security-policy": POLICY } },
  });
  project.provide("page", server.resolvedUrls?.local[0] ?? "");
  return () => server.close();
}
