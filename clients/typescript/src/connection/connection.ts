/** One connection at a time, made anew whenever it ends. */

import type { Socket } from "../environment.js";
import type { Refusal } from "../errors.js";
import type { Requests } from "../http/requests.js";
import type { Pace } from "../pace.js";
import { readFrame, type ClientFrame, type ServerFrame } from "../protocol/index.js";
import { fullJitter } from "./backoff.js";
import { RefusedTokens, refusalOf } from "./refused-tokens.js";
import { expiryOf } from "./token.js";

/** What a connection tells its owner. */
export interface ConnectionEvents {
  connecting(): void;
  up(): void;
  frame(frame: ServerFrame): void;
  /** The connection is lost; frames that were not answered will not be. */
  down(): void;
  /** The last event: the server does not take this user's connections. */
  refused(refusal: Refusal): void;
}

/** A connection that is kept open until it is stopped. */
export class Connection {
  private socket: Socket | undefined;
  private isUp = false;
  private stopped = false;
  private failures = 0;
  private silent = false;
  private readonly timers: { idle?: unknown; renewal?: unknown; retry?: unknown } = {};
  private readonly refused = new RefusedTokens();
  private readonly url: string;
  private readonly requests: Requests;
  private readonly pace: Pace;
  private readonly events: ConnectionEvents;

  constructor(url: string, requests: Requests, pace: Pace, events: ConnectionEvents) {
    this.url = url;
    this.requests = requests;
    this.pace = pace;
    this.events = events;
  }

  /** Connects, and stays connected. */
  start(): void {
    void this.connect();
  }

  /** Sends a frame. It is lost if no connection is up. */
  send(frame: ClientFrame): void {
    if (!this.isUp) return;
    try {
      this.socket?.send(JSON.stringify(frame));
    } catch {
      this.lost();
    }
  }

  /** Abandons the connection and makes another one, for a device whose network has changed or a token that has ended. */
  reconnect(): void {
    if (this.isUp) this.lost();
    else if (this.timers.retry !== undefined) this.wake();
  }

  /** Tries at once, if it waits to try again: the network is back. An attempt that began without it is soon followed by another one. */
  wake(): void {
    this.failures = 0;
    if (this.timers.retry !== undefined) this.tryAgain();
  }

  /** Ends the connection for good. */
  stop(): void {
    this.stopped = true;
    this.clear("retry");
    this.abandon();
  }

  private tryAgain(): void {
    this.clear("retry");
    void this.connect();
  }

  private async connect(): Promise<void> {
    if (this.stopped) return;
    this.events.connecting();
    let token: string;
    try {
      token = await this.requests.tokens.token();
    } catch {
      this.retryLater();
      return;
    }
    if (this.stopped as boolean) return;
    let socket: Socket;
    try {
      socket = new this.requests.environment.WebSocket(this.url, ["bearer", token]);
    } catch {
      this.retryLater();
      return;
    }
    this.socket = socket;
    this.setTimer("idle", this.pace.answer, () => {
      void this.failedToOpen(socket, token);
    });
    socket.onopen = () => {
      if (this.socket === socket) this.opened(token);
    };
    socket.onmessage = ({ data }) => {
      if (this.socket === socket) this.received(data);
    };
    socket.onerror = () => undefined;
    socket.onclose = () => {
      if (this.socket !== socket) return;
      if (this.isUp) this.lost();
      else void this.failedToOpen(socket, token);
    };
  }

  private opened(token: string): void {
    this.isUp = true;
    this.refused.clear();
    this.heard();
    const { now, random } = this.requests.environment;
    const expiry = expiryOf(token);
    const lifetime = expiry === undefined ? undefined : expiry - now();
    this.setTimer("renewal", timeToRenewal(lifetime, random(), this.pace), () => {
      // A renewal with the same token would loop.
      this.requests.tokens.drop(token);
      this.lost();
    });
    this.events.up();
  }

  /** Asks why a handshake failed, and tries again unless that is final. */
  private async failedToOpen(socket: Socket, token: string): Promise<void> {
    if (this.socket !== socket) return;
    this.abandon();
    const refusal = await refusalOf(token, this.requests);
    if (this.stopped) return;
    if (refusal !== undefined) {
      this.requests.tokens.drop(token);
      if (this.refused.isFinal(refusal, token)) {
        this.stopped = true;
        this.events.refused(refusal);
        return;
      }
    }
    this.retryLater();
  }

  private received(data: unknown): void {
    this.heard();
    // Only now: a server that accepts connections and ends them at once is no better than one that refuses them.
    this.failures = 0;
    if (typeof data !== "string") return;
    const frame = readFrame(data);
    if (frame.kind !== "ignored") this.events.frame(frame);
  }

  /** Anything that arrives shows that the connection works. */
  private heard(): void {
    this.silent = false;
    this.setTimer("idle", this.pace.ping, () => {
      this.ping();
    });
  }

  private ping(): void {
    if (this.silent) {
      this.lost();
      return;
    }
    this.silent = true;
    this.send({ action: "ping", id: "ping" });
    this.setTimer("idle", this.pace.answer, () => {
      this.ping();
    });
  }

  private lost(): void {
    this.abandon();
    this.events.down();
    this.retryLater();
  }

  private retryLater(): void {
    if (this.stopped) return;
    const wait = fullJitter(this.failures++, this.pace.reconnect, this.requests.environment.random);
    this.setTimer("retry", wait, () => {
      this.tryAgain();
    });
  }

  /** Lets the socket go, whatever state it is in. */
  private abandon(): void {
    this.clear("idle");
    this.clear("renewal");
    this.isUp = false;
    const { socket } = this;
    this.socket = undefined;
    socket?.close();
  }

  private setTimer(name: keyof Connection["timers"], milliseconds: number, then: () => void): void {
    this.clear(name);
    this.timers[name] = this.requests.environment.setTimeout(then, milliseconds);
  }

  private clear(name: keyof Connection["timers"]): void {
    if (this.timers[name] !== undefined) this.requests.environment.clearTimeout(this.timers[name] as never);
    this.timers[name] = undefined;
  }
}

/**
 * Returns the age at which a connection is renewed, for a token with this remaining lifetime and a random number between 0 and 1.
 * A token in its last minute is used up: a renewal at once might meet the same token, in a loop.
 */
export function timeToRenewal(
  lifetime: number | undefined,
  random: number,
  { renew, renewBeforeExpiry }: Pace,
): number {
  const age = renew[0] + (renew[1] - renew[0]) * random;
  if (lifetime === undefined || lifetime <= 0) return age;
  return Math.min(age, lifetime > renewBeforeExpiry ? lifetime - renewBeforeExpiry : lifetime);
}
