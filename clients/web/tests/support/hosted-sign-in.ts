/** Stands in for the sign-in page of an issuer: OAuth's code flow with PKCE, with tokens of the local cloud. */

import { createHash, randomUUID } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inject } from "vitest";

/** What the page asked. */
export interface Asked {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A sign-in page that lets in one user. */
export class HostedSignIn {
  readonly asked: Asked[] = [];
  /** False to refuse refresh tokens, as after a sign-out everywhere. */
  acceptsRefresh = true;
  private readonly server: Server;
  private readonly username: string;
  /** The parameters of the codes that were given. */
  private readonly codes = new Map<string, Readonly<Record<string, string>>>();

  private constructor(username: string) {
    this.username = username;
    this.server = createServer((request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", "http://localhost");
        const fields = Object.fromEntries(request.method === "POST" ? new URLSearchParams(body) : url.searchParams);
        this.asked.push({ path: url.pathname, fields });
        this.answer(url.pathname, fields, response).catch((error: unknown) =>
          response.writeHead(500).end(String(error)),
        );
      });
    });
  }

  static async start(username: string): Promise<HostedSignIn> {
    const hosted = new HostedSignIn(username);
    await new Promise<void>((resolve) => hosted.server.listen(0, "127.0.0.1", resolve));
    return hosted;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What `deployment.json` says of it. */
  get described() {
    const { url } = this;
    return {
      authorize: `${url}/oauth2/authorize`,
      token: `${url}/oauth2/token`,
      logout: `${url}/logout`,
      client_id: "web",
    };
  }

  /** Requests to a path. */
  to(path: string): Asked[] {
    return this.asked.filter((asked) => asked.path === path);
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(
    path: string,
    fields: Readonly<Record<string, string>>,
    response: ServerResponse,
  ): Promise<void> {
    const redirect = (to: string | undefined, query: Record<string, string>): void => {
      response.writeHead(302, { location: `${to}?${new URLSearchParams(query)}` }).end();
    };
    if (path === "/oauth2/authorize") {
      const code = randomUUID();
      this.codes.set(code, fields);
      redirect(fields.redirect_uri, { code, state: fields.state ?? "" });
    } else if (path === "/logout") redirect(fields.logout_uri, {});
    else if (path === "/oauth2/token") await this.exchange(fields, response);
    else response.writeHead(404).end();
  }

  private async exchange(fields: Readonly<Record<string, string>>, response: ServerResponse): Promise<void> {
    const headers = { "access-control-allow-origin": "*", "content-type": "application/json" };
    const isAccepted = fields.grant_type === "refresh_token" ? this.isFresh(fields) : this.isOfCode(fields);
    if (!isAccepted) {
      response.writeHead(400, headers).end(JSON.stringify({ error: "invalid_grant" }));
      return;
    }
    const body = JSON.stringify({ username: this.username });
    const issued = await fetch(inject("endpoints").oidc_token, { method: "POST", body });
    const { access_token } = (await issued.json()) as { access_token: string };
    const about = Buffer.from(JSON.stringify({ email: `${this.username}@example.org` })).toString("base64url");
    const first = fields.grant_type === "refresh_token" ? {} : { id_token: `e30.${about}.`, refresh_token: "refresh" };
    response.writeHead(200, headers).end(JSON.stringify({ access_token, ...first }));
  }

  private isFresh({ refresh_token, client_id }: Readonly<Record<string, string>>): boolean {
    return this.acceptsRefresh && refresh_token === "refresh" && client_id === "web";
  }

  /** A code works once, for whoever has the verifier. */
  private isOfCode({ code, code_verifier, redirect_uri, client_id }: Readonly<Record<string, string>>): boolean {
    const began = this.codes.get(code ?? "");
    this.codes.delete(code ?? "");
    const challenge = createHash("sha256")
      .update(code_verifier ?? "")
      .digest("base64url");
    return (
      began?.code_challenge === challenge &&
      began.code_challenge_method === "S256" &&
      began.redirect_uri === redirect_uri &&
      client_id === "web"
    );
  }
}
