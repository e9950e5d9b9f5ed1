import { describe, expect, it } from "vitest";
import type { Conversation } from "../../src/protocol/index.js";
import { ConversationModel } from "../../src/state/conversation-model.js";
import { ticks } from "../../src/state/ticks.js";
import type { KeptConversation } from "../../src/store/store.js";
import { CONVERSATION, deletion, edit, erasure, ME, OTHER, reaction, text } from "./items.js";

const described = (more: Partial<Conversation> = {}): Conversation => ({
  ...{ conversation_id: CONVERSATION, type: "group", history: "full", closed: false, role: "owner", member_count: 3 },
  ...{ head_seq: 10, last_message_at: null, read_seq: 0, unread: 0 },
  ...more,
});

function model(conversation: Conversation, { cursor = 10, floor = 0, receipts = {} } = {}): ConversationModel {
  const model = new ConversationModel(() => ME);
  const kept: KeptConversation = { conversation, replica: { cursor, floor, expired_seq: 0 }, receipts, acked_seq: 0 };
  model.keep(kept);
  return model;
}

describe("ticks", () => {
  it("need all others, and a read implies a delivery", () => {
    const marks = (delivered: number, read: number) => ({ delivered, read });
    expect(ticks(described(), { a: marks(5, 3) })).toEqual({ delivered: 0, read: 0 });
    expect(ticks(described(), { a: marks(5, 3), b: marks(0, 4) })).toEqual({ delivered: 4, read: 3 });
    expect(ticks(described({ type: "private" }), { a: marks(5, 3) })).toEqual({ delivered: 5, read: 3 });
    expect(ticks(described({ member_count: 1 }), {})).toEqual({ delivered: 0, read: 0 });
  });
});

describe("a conversation", () => {
  it("counts unread texts of others exactly, where the copy reaches back far enough", () => {
    const log = model(described({ read_seq: 6, unread: 77, head_seq: 9 }), { floor: 5 });
    log.add([text(6), text(7), text(8, "mine", { sender_id: ME }), text(9), text(10)]);
    expect(log.view.get()?.unread).toBe(3);
  });

  it("adds to the server's count elsewhere, up to 100", () => {
    const log = model(described({ read_seq: 2, unread: 4, head_seq: 9 }), { floor: 5 });
    log.add([text(8), text(9), text(10)]);
    expect(log.view.get()?.unread).toBe(5);
    for (let seq = 11; seq < 140; seq++) log.add([text(seq)]);
    expect(log.view.get()?.unread).toBe(100);
  });

  it("shows the same object for a message while nothing of it changes", () => {
    const log = model(described());
    log.add([text(1, "mine", { sender_id: ME }), text(2)]);
    const before = log.timeline.get().messages;
    log.add([text(3)]);
    const after = log.timeline.get().messages;
    expect(after).not.toBe(before);
    expect([after[0], after[1]]).toEqual([before[0], before[1]]);
    expect(after[0]).toBe(before[0]);
    expect(log.timeline.get()).toBe(log.timeline.get());
  });

  it("has the same key before and after a message was accepted", () => {
    const log = model(described());
    log.wait({ client_message_id: "mine", conversation_id: CONVERSATION, draft: { text: "hi" }, order: 5_000 });
    expect(log.timeline.get().messages).toMatchObject([{ key: "mine", state: "sending", mine: true, text: "hi" }]);
    log.settle("mine");
    log.add([text(1, "hi", { sender_id: ME, client_message_id: "mine" })]);
    expect(log.timeline.get().messages).toMatchObject([{ key: "mine", state: "sent", seq: 1 }]);
  });

  it("loads earlier pages, applies later events to them, and says which counts are stale", () => {
    const log = model(described(), { floor: 5 });
    log.add([text(6)]);
    expect(log.timeline.get()).toMatchObject({ hasOlder: true });
    expect(log.beginLoading()).toBe(6);
    expect(log.beginLoading(), "one page at a time").toBeUndefined();
    // The page may have been read before this event.
    expect(log.applyEvents([reaction(12, 4, "👍", true)])).toEqual([]);
    expect(log.endLoading({ messages: [text(3), text(4), text(5)], next: 3 })).toEqual([4]);
    expect(log.applyEvents([edit(13, 3, "edited"), deletion(14, 4), reaction(15, 5, "🎉", true)])).toEqual([5]);
    expect(log.timeline.get().messages).toMatchObject([
      { text: "edited" },
      { kind: "deleted" },
      { seq: 5 },
      { seq: 6 },
    ]);
    expect(log.beginLoading()).toBe(3);
    log.endLoading({ messages: [text(1)], next: null });
    expect(log.timeline.get()).toMatchObject({ hasOlder: false, loadingOlder: false, messages: { length: 5 } });
    log.dropOlder();
    expect(log.timeline.get()).toMatchObject({ hasOlder: true, messages: [{ seq: 6 }] });
  });

  it("forgets what an erased user has written, in earlier pages as well", () => {
    const log = model(described(), { floor: 5 });
    const reactions = [{ emoji: "👍", count: 2, mine: false }];
    log.add([text(3, "secret"), text(4, "mine", { sender_id: ME, reactions }), text(6, "secret")]);
    expect(log.applyEvents([erasure(11, OTHER)])).toEqual([4]);
    expect(JSON.stringify(log.timeline.get())).not.toContain("secret");
    expect(log.timeline.get().messages).toMatchObject([{ kind: "deleted" }, { text: "mine" }, { kind: "deleted" }]);
  });

  it("has pinned messages that are older than its copy of the log, with what happens to them", () => {
    const log = model(described({ pinned_seqs: [1, 2, 3, 6] }), { floor: 5 });
    log.add([text(6)]);
    expect(log.pinned.get()).toMatchObject([{ seq: 6 }]);
    const [given, last] = [log.beginLoadingPinned(), log.beginLoadingPinned()];
    // The answer may be from before this event.
    log.applyEvents([edit(11, 1, "edited meanwhile")]);
    log.endLoadingPinned(last, [text(3), text(2), text(1)]);
    log.endLoadingPinned(given, []);
    expect(log.pinned.get()).toMatchObject([{ seq: 6 }, { seq: 3 }, { seq: 2 }, { text: "edited meanwhile" }]);
    log.applyEvents([edit(12, 2, "edited"), deletion(13, 3)]);
    expect(log.pinned.get()).toMatchObject([{ seq: 6 }, { text: "edited" }, { text: "edited meanwhile" }]);
    log.endLoadingPinned(log.beginLoadingPinned(), undefined);
    expect(log.pinned.get(), "a load that fails changes nothing").toHaveLength(3);
    log.applyEvents([erasure(14, OTHER)]);
    expect(log.pinned.get()).toEqual([]);
  });

  it("drops what does not connect, when the copy begins anew", () => {
    const log = model(described(), { floor: 5 });
    log.add([text(6), text(7)]);
    log.restart(100);
    log.add([text(101)]);
    expect(log.timeline.get()).toMatchObject({ hasOlder: true, messages: [{ seq: 101 }] });
    expect(log.beginLoading()).toBe(101);
  });

  it("tells listeners once for the changes of one turn", async () => {
    const log = model(described());
    let told = 0;
    const stop = log.timeline.subscribe(() => (told += 1));
    log.add([text(1)]);
    log.add([text(2)]);
    await Promise.resolve();
    expect(told).toBe(1);
    stop();
    log.add([text(3, "x", { sender_id: OTHER })]);
    await Promise.resolve();
    expect(told).toBe(1);
  });
});
