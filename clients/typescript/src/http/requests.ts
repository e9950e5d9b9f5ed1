/** HTTP requests: tokens, errors and repeats. */

import { fullJitter } from "../connection/backoff.js";
import { TokenCache } from "../connection/token.js";
import type { Environment } from "../environment.js";
import { PalaverError } from "../errors.js";
import type { Pace } from "../pace.js";
import { readError } from "../protocol/index.js";

/** Attempts of a request whose errors are retryable. */
const MAX_ATTEMPTS = 5;

/** What a request has besides its method and path. */
export interface RequestOptions {
  /** Sent as JSON; a `Blob` as it is, with its own type. */
  readonly body?: unknown;
  /** Fields that are `undefined` are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** The same key on every repeat of a request that creates something. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Makes requests to the HTTP API of one deployment, as one user. */
export class Requests {
  readonly tokens: TokenCache;
  readonly environment: Environment;
  readonly pace: Pace;
  private readonly base: string;

  constructor(base: string, tokens: TokenCache, environment: Environment, pace: Pace) {
    this.base = base.replace(/\/$/, "");
    this.tokens = tokens;
    this.environment = environment;
    this.pace = pace;
  }

  /**
   * Makes a request, and repeats it while its errors are retryable: every request of the protocol may be repeated. Resolves with
   * the body; with `undefined` if there is none. Rejects with a {@link PalaverError}, or with what `fetch` or the token source
   * reject with.
   */
  async ask<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    let refusedToken: string | undefined;
    for (let attempt = 0; ; attempt++) {
      const token = await this.tokens.token();
      try {
        return await this.once<T>(token, method, path, options);
      } catch (error) {
        if (options.signal?.aborted === true) throw error;
        if (error instanceof PalaverError) {
          if (error.status === 401 && refusedToken === undefined) {
            refusedToken = token;
            this.tokens.drop(token);
            continue;
          }
          if (!error.retryable) throw error;
        }
        if (attempt + 1 >= MAX_ATTEMPTS) throw error;
        const retryAfter = error instanceof PalaverError ? (error.retryAfter ?? 0) : 0;
        await this.pause(retryAfter + fullJitter(attempt, this.pace.retry, this.environment.random), options.signal);
      }
    }
  }

  /** Makes a request once, with this token. */
  async once<T>(
    token: string,
    method: string,
    path: string,
    { body, query, idempotencyKey, signal }: RequestOptions = {},
  ): Promise<T> {
    const parameters = Object.entries(query ?? {}).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const search = parameters.length > 0 ? `?${new URLSearchParams(parameters).toString()}` : "";
    const response = await this.environment.fetch(`${this.base}${path}${search}`, {
      method,
      headers: {
        accept: "application/json",
        authorization: `Bearer ${token}`,
        ...(body === undefined || body instanceof Blob ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    if (!response.ok) throw new PalaverError(readError(parse(text), response.status), response.status);
    return parse(text) as T;
  }

  /** Waits; rejects when the signal is aborted meanwhile. */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.environment.setTimeout(resolve, milliseconds);
      signal?.addEventListener(
        "abort",
        () => {
          this.environment.clearTimeout(timer as never);
          reject(new DOMException("the request was cancelled", "AbortError"));
        },
        { once: true },
      );
    });
  }
}

/** A proxy in front of the API may answer in any form. */
function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
