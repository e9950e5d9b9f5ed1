import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, timeToRenewal } from "../../src/connection/connection.js";
import { expiryOf, TokenCache } from "../../src/connection/token.js";
import { platform, type Socket, type SocketClass } from "../../src/environment.js";
import { Requests } from "../../src/http/requests.js";
import { DEFAULT_PACE as PACE } from "../../src/pace.js";

const MINUTE = 60_000;

function jwt(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

class FakeSocket implements Socket {
  static made: FakeSocket[] = [];
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly sent: string[] = [];
  closed = false;
  readonly url: string;
  readonly protocols: string[];

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.made.push(this);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.onopen?.({} as never);
  }

  fail(): void {
    this.onclose?.({} as never);
  }
}

/** A connection with its events, over sockets that the test holds. */
function start(answer: () => Response = () => new Response("{}"), lifetime = 60 * MINUTE) {
  const events: string[] = [];
  let issued = 0;
  const getToken = (): Promise<string> => Promise.resolve(jwt({ exp: (Date.now() + lifetime) / 1000, n: issued++ }));
  const environment = platform({
    WebSocket: FakeSocket as unknown as SocketClass,
    random: () => 1,
    now: () => Date.now(),
    fetch: () => Promise.resolve(answer()),
  });
  const requests = new Requests("http://api", new TokenCache(getToken, environment.now), environment, PACE);
  const connection = new Connection("ws://api", requests, PACE, {
    connecting: () => events.push("connecting"),
    up: () => events.push("up"),
    down: () => events.push("down"),
    frame: (frame) => events.push(frame.kind),
    refused: (refusal) => events.push(refusal),
  });
  connection.start();
  return { connection, events };
}

const socket = (): FakeSocket => FakeSocket.made.at(-1) as FakeSocket;
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.made = [];
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a connection", () => {
  it("carries the token as a protocol, as browsers have to", async () => {
    start();
    await settle();
    expect(socket().protocols[0]).toBe("bearer");
    expect(expiryOf(socket().protocols[1] ?? "")).toBe(Date.now() + 60 * MINUTE);
  });

  it("is pinged after nine silent minutes, and given up ten seconds later", async () => {
    const { events } = start();
    await settle();
    const first = socket();
    first.open();
    await vi.advanceTimersByTimeAsync(PACE.ping - 1);
    first.onmessage?.({ data: "" });
    await vi.advanceTimersByTimeAsync(PACE.ping - 1);
    expect(first.sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(first.sent).toEqual(['{"action":"ping","id":"ping"}']);
    await vi.advanceTimersByTimeAsync(PACE.answer);
    expect([first.closed, events]).toEqual([true, ["connecting", "up", "down"]]);
    await vi.advanceTimersByTimeAsync(PACE.reconnect[0]);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it("is tried soon once the network is back, also by an attempt that began without it", async () => {
    const { connection } = start();
    await settle();
    for (let failed = 0; failed < 6; failed++) {
      socket().fail();
      await vi.advanceTimersByTimeAsync(PACE.reconnect[1]);
    }
    const attempts = FakeSocket.made.length;
    connection.wake();
    socket().fail();
    await vi.advanceTimersByTimeAsync(PACE.reconnect[0]);
    expect(FakeSocket.made).toHaveLength(attempts + 1);
  });

  it("is renewed one minute before its token expires, with another token", async () => {
    start(undefined, 10 * MINUTE);
    await settle();
    const first = socket();
    first.open();
    // Something arrives, so that no ping ends it.
    for (let minute = 0; minute < 9; minute++) {
      expect(first.closed).toBe(false);
      await vi.advanceTimersByTimeAsync(MINUTE);
      first.onmessage?.({ data: "" });
    }
    expect(first.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(PACE.reconnect[0]);
    expect(socket()).not.toBe(first);
    expect(socket().protocols[1]).not.toBe(first.protocols[1]);
  });

  it("backs off after failures, and tries at once when it is woken", async () => {
    const { connection } = start();
    await settle();
    for (const wait of [500, 1_000, 2_000]) {
      const before = FakeSocket.made.length;
      socket().fail();
      await vi.advanceTimersByTimeAsync(wait - 1);
      expect(FakeSocket.made).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(FakeSocket.made).toHaveLength(before + 1);
    }
    socket().fail();
    await settle();
    const before = FakeSocket.made.length;
    connection.wake();
    await settle();
    expect(FakeSocket.made).toHaveLength(before + 1);
  });

  it("tries other tokens after a refusal, and stops after three", async () => {
    const { events } = start(() => new Response('{"message":"Unauthorized"}', { status: 401 }));
    for (let attempt = 0; attempt < 5; attempt++) {
      await vi.advanceTimersByTimeAsync(PACE.reconnect[1]);
      socket().fail();
    }
    await vi.advanceTimersByTimeAsync(PACE.reconnect[1]);
    expect(events).toEqual(["connecting", "connecting", "connecting", "token_refused"]);
    expect(FakeSocket.made).toHaveLength(3);
  });

  it("stops for a user who was deleted", async () => {
    const { events } = start(
      () => new Response('{"code":"user_deleted","detail":"…","retryable":false}', { status: 403 }),
    );
    await settle();
    socket().fail();
    await settle();
    expect(events).toEqual(["connecting", "user_deleted"]);
  });

  it("ends for good when it is stopped", async () => {
    const { connection, events } = start();
    await settle();
    socket().open();
    connection.stop();
    await vi.advanceTimersByTimeAsync(PACE.reconnect[1]);
    expect([socket().closed, FakeSocket.made.length, events]).toEqual([true, 1, ["connecting", "up"]]);
  });
});

describe("the age of a renewal", () => {
  it("is a minute before the expiry, or within two hours", () => {
    expect(timeToRenewal(60 * MINUTE, 0.5, PACE)).toBe(59 * MINUTE);
    expect(timeToRenewal(90_000, 0.5, PACE)).toBe(30_000);
    for (const lifetime of [undefined, 24 * 60 * MINUTE]) {
      expect([0, 0.5, 1].map((random) => timeToRenewal(lifetime, random, PACE))).toEqual([
        100 * MINUTE,
        109 * MINUTE,
        118 * MINUTE,
      ]);
    }
  });

  it("uses a token in its last minute up", () => {
    for (const lifetime of [1_000, 59_000, 60_000]) expect(timeToRenewal(lifetime, 0.5, PACE)).toBe(lifetime);
  });
});

describe("tokens", () => {
  it("without a usable exp have no known end", () => {
    for (const token of [
      "",
      "opaque",
      "a.b.c",
      "a.%%%.c",
      jwt({}),
      jwt({ exp: "1000" }),
      jwt({ exp: null }),
      jwt({ exp: -1 }),
    ]) {
      expect(expiryOf(token), token).toBeUndefined();
    }
    expect(expiryOf(jwt({ exp: 1000.5 }))).toBe(1_000_500);
  });

  it("are asked for once, and again two minutes before their end", async () => {
    let now = 0;
    let asked = 0;
    const cache = new TokenCache(
      () => Promise.resolve(jwt({ exp: (now + 60 * MINUTE) / 1000, n: asked++ })),
      () => now,
    );
    const [first, second] = await Promise.all([cache.token(), cache.token()]);
    expect([first === second, asked]).toEqual([true, 1]);
    now = 57.9 * MINUTE;
    await cache.token();
    expect(asked).toBe(1);
    now = 58 * MINUTE;
    await cache.token();
    expect(asked).toBe(2);
  });
});
