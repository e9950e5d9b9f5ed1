import { describe, expect, it } from "vitest";
import { fullJitter } from "../../src/connection/backoff.js";
import { Subscriptions } from "../../src/connection/subscriptions.js";
import { SyncSchedule } from "../../src/log/sync-schedule.js";
import { DEFAULT_PACE as PACE } from "../../src/pace.js";
import { OwnReceipts } from "../../src/receipts/own-receipts.js";

const half = (): number => 0.5;
const never = PACE.retry[1];

describe("back-off", () => {
  it("doubles up to its ceiling, with full jitter", () => {
    const waits = [0, 1, 2, 3, 40].map((attempts) => fullJitter(attempts, [500, 3_000], () => 1));
    expect(waits).toEqual([500, 1_000, 2_000, 3_000, 3_000]);
    expect(fullJitter(5, [500, 30_000], () => 0)).toBe(0);
  });
});

describe("the schedule of syncs", () => {
  const cursor = (): number => 4;

  it("lists after connecting, three seconds later, and every five minutes", () => {
    const syncs = new SyncSchedule(PACE, half);
    syncs.connected(0);
    expect(syncs.frame(0, cursor)).toEqual({ action: "sync", id: "sync/1" });
    expect(syncs.frame(0, cursor), "one at a time").toBeUndefined();
    expect(syncs.answered("sync/1")).toEqual({ kind: "list", from: undefined });
    expect(syncs.due()).toBe(PACE.secondSync);
    expect(syncs.frame(PACE.secondSync, cursor)).toEqual({ action: "sync", id: "sync/2" });
    syncs.answered("sync/2");
    expect(syncs.due()).toBe(PACE.sync);
    expect(syncs.frame(PACE.sync, cursor)).toEqual({ action: "sync", id: "sync/3" });
  });

  it("asks for at most 50 conversations at a time, and goes on after the answer", () => {
    const syncs = new SyncSchedule(PACE, half);
    for (let n = 0; n < 70; n++) syncs.need(`c${n}`);
    expect(Object.keys(syncs.frame(0, cursor) ?? {}).includes("cursors")).toBe(true);
    expect(syncs.answered("sync/1")).toMatchObject({ kind: "conversations", ids: { length: 50 } });
    expect(syncs.frame(0, cursor)).toMatchObject({ cursors: { c69: 4 } });
    expect(syncs.idle).toBe(false);
    syncs.answered("sync/2");
    expect(syncs.idle).toBe(true);
  });

  it("repeats what is not answered, and ignores the answer that comes too late", () => {
    const syncs = new SyncSchedule(PACE, half);
    syncs.need("c");
    expect(syncs.frame(0, cursor)).toMatchObject({ cursors: { c: 4 } });
    expect(syncs.frame(PACE.answer, cursor)).toBeUndefined();
    expect(syncs.frame(PACE.answer + never, cursor)).toMatchObject({ id: "sync/2", cursors: { c: 4 } });
    expect(syncs.answered("sync/1")).toBeUndefined();
  });

  it("waits as long as the server says", () => {
    const syncs = new SyncSchedule(PACE, half);
    syncs.need("c");
    syncs.frame(0, cursor);
    syncs.failed(0, 60_000);
    expect(syncs.due()).toBe(60_000 + PACE.retry[0] / 2);
  });
});

describe("the user's own receipts", () => {
  it("go together, once a second, until they are accepted", () => {
    const acks = new OwnReceipts("ack", PACE);
    acks.mark("c", 5);
    acks.mark("c", 3);
    expect(acks.frame(0)).toEqual({ action: "ack", id: "ack/1", receipts: [{ conversation_id: "c", seq: 5 }] });
    expect(acks.frame(0)).toBeUndefined();
    expect(acks.frame(PACE.answer)).toMatchObject({ id: "ack/2" });
    expect(acks.answered("ack/1", true, 0), "the answer to an older frame").toEqual([]);
    expect(acks.answered("ack/2", true, 0)).toEqual([["c", 5]]);
    acks.mark("c", 5);
    expect(acks.due()).toBe(Infinity);
    acks.mark("c", 6);
    expect(acks.frame(PACE.receipts - 1)).toBeUndefined();
    expect(acks.frame(PACE.receipts)).toMatchObject({ receipts: [{ seq: 6 }] });
    expect(acks.answered("ack/3", false, 0), "a retryable error").toEqual([]);
    expect(acks.due()).toBe(PACE.receipts);
  });

  it("name at most 100 conversations a frame", () => {
    const reads = new OwnReceipts("read", PACE);
    for (let n = 0; n < 130; n++) reads.mark(`c${n}`, 1);
    expect(reads.frame(0)).toMatchObject({ receipts: { length: 100 } });
    reads.answered("read/1", true, 0);
    expect(reads.frame(PACE.receipts)).toMatchObject({ receipts: { length: 30 } });
  });
});

describe("subscriptions", () => {
  const ids = (subscriptions: Subscriptions, now: number): string[] =>
    subscriptions.toSend(now).map(({ action, id }) => `${action} ${id}`);

  it("are renewed on every connection", () => {
    const subscriptions = new Subscriptions(PACE, half);
    subscriptions.set("c", true, 0);
    subscriptions.set("c", true, 0);
    expect(ids(subscriptions, 0)).toEqual(["open subscription/1"]);
    expect(subscriptions.answered("subscription/1", "accepted", 0)).toBe("c");
    expect(subscriptions.due()).toBe(Infinity);
    subscriptions.connected(0);
    expect(ids(subscriptions, 0)).toEqual(["open subscription/2"]);
    subscriptions.set("c", false, 0);
    subscriptions.connected(0);
    expect(ids(subscriptions, 0)).toEqual([]);
  });

  it("end only after their beginning was answered", () => {
    const subscriptions = new Subscriptions(PACE, half);
    subscriptions.set("c", true, 0);
    subscriptions.toSend(0);
    subscriptions.set("c", false, 0);
    expect(ids(subscriptions, 0)).toEqual([]);
    expect(subscriptions.answered("subscription/1", "accepted", 0)).toBeUndefined();
    expect(ids(subscriptions, 0)).toEqual(["close subscription/2"]);
  });

  it("are repeated after a failure, and given up after a refusal", () => {
    const subscriptions = new Subscriptions(PACE, half);
    subscriptions.set("c", true, 0);
    subscriptions.toSend(0);
    subscriptions.interrupted(0);
    expect(ids(subscriptions, never)).toEqual(["open subscription/2"]);
    subscriptions.answered("subscription/2", "failed", never);
    expect(ids(subscriptions, 2 * never)).toEqual(["open subscription/3"]);
    subscriptions.answered("subscription/3", "refused", 2 * never);
    subscriptions.connected(2 * never);
    expect(subscriptions.due()).toBe(Infinity);
  });
});
