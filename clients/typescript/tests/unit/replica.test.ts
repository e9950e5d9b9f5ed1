import { describe, expect, it } from "vitest";
import { Replica } from "../../src/log/replica.js";
import type { Item, Message } from "../../src/protocol/index.js";
import { deletion, edit, erasure, ME, OTHER, reaction, synced, text } from "./items.js";

const NOW = 1_000_000;

function replica(after = 0): Replica {
  const replica = new Replica(ME);
  replica.startAfter(after, NOW);
  return replica;
}

const seqs = (items: readonly Item[]): number[] => items.map(({ seq }) => seq);

describe("a replica", () => {
  it("holds early items and drops repeated ones", () => {
    const log = replica();
    expect(seqs(log.receive(text(1), NOW).items)).toEqual([1]);
    expect(seqs(log.receive(text(3), NOW).items)).toEqual([]);
    expect(log.gapSince).toBe(NOW);
    expect(seqs(log.receive(text(2), NOW).items)).toEqual([2, 3]);
    expect(log.gapSince).toBeUndefined();
    expect(seqs(log.receive(text(2), NOW).items)).toEqual([]);
    expect(log.cursor).toBe(3);
  });

  it("says once in a while that a gap is old", () => {
    const log = replica();
    log.receive(text(2), NOW);
    expect(log.gapIsOver(NOW + 999, 1000)).toBe(false);
    expect(log.gapIsOver(NOW + 1000, 1000)).toBe(true);
    expect(log.gapIsOver(NOW + 1001, 1000)).toBe(false);
  });

  it("crosses hidden ranges, and nothing else", () => {
    const log = replica();
    log.receive(text(6), NOW);
    log.catchUp(synced([text(1), text(2)], [[3, 4]]), NOW + 5);
    expect(log.cursor).toBe(4);
    expect(log.gapSince).toBe(NOW + 5);
    log.catchUp(synced([text(5)]), NOW);
    expect(log.cursor).toBe(6);
    expect(seqs(log.messages)).toEqual([1, 2, 5, 6]);
  });

  it("holds what is pushed before it has begun", () => {
    const log = new Replica(ME);
    expect(seqs(log.receive(text(12), NOW).items)).toEqual([]);
    expect(seqs(log.startAfter(10, NOW).items)).toEqual([]);
    expect(seqs(log.receive(text(11), NOW).items)).toEqual([11, 12]);
  });

  it("applies edits and deletions", () => {
    const log = replica();
    log.receive(text(1, "words"), NOW);
    expect(log.receive(edit(2, 1, "better words"), NOW).changed).toMatchObject([{ seq: 1, text: "better words" }]);
    log.receive(deletion(3, 1), NOW);
    expect(log.message(1)).toMatchObject({ kind: "deleted", deleted_by: OTHER, deleted_seq: 3 });
    expect(log.message(1)).not.toHaveProperty("text");
    log.receive(edit(4, 1, "too late"), NOW);
    expect(log.message(1)?.kind).toBe("deleted");
  });

  it("counts reactions from events alone", () => {
    const log = replica();
    // By sync, the counts include an event that still follows.
    log.catchUp(synced([text(1, "hi", { reactions: [{ emoji: "👍", count: 1, mine: false }] })]), NOW);
    expect(log.message(1)?.reactions).toBeUndefined();
    log.receive(reaction(2, 1, "👍", true), NOW);
    log.receive(reaction(3, 1, "👍", true), NOW);
    log.receive(reaction(4, 1, "👍", true, ME), NOW);
    expect(log.message(1)?.reactions).toEqual([{ emoji: "👍", count: 2, mine: true }]);
    log.receive(reaction(5, 1, "👍", false), NOW);
    log.receive(reaction(6, 1, "👍", false, ME), NOW);
    expect(log.message(1)?.reactions).toEqual([]);
  });

  it("keeps reactions over an edit, and not over a deletion", () => {
    const log = replica();
    for (const item of [text(1), reaction(2, 1, "🎉", true), edit(3, 1, "new"), reaction(4, 1, "🎉", true, ME)])
      log.receive(item, NOW);
    expect(log.message(1)?.reactions).toEqual([{ emoji: "🎉", count: 2, mine: true }]);
    log.receive(deletion(5, 1), NOW);
    log.receive(reaction(6, 1, "🎉", true), NOW);
    expect(log.message(1)?.reactions).toBeUndefined();
  });

  it("advances over kinds that it does not know", () => {
    const log = replica();
    log.receive({ ...text(1), kind: "from_the_future" } as unknown as Item, NOW);
    log.receive(text(2), NOW);
    expect(log.cursor).toBe(2);
  });

  it("hands out events whose messages it does not keep", () => {
    const log = replica(10);
    const event = reaction(11, 4, "👍", true);
    expect(log.receive(event, NOW)).toMatchObject({ outside: [event], changed: [] });
  });

  it("forgets what has expired", () => {
    const log = replica();
    for (const seq of [1, 2, 3]) log.receive(text(seq), NOW);
    expect([log.expire(2), log.expire(2)]).toEqual([true, false]);
    expect(seqs(log.messages)).toEqual([3]);
  });

  it("forgets what an erased user has written, and nothing of others", () => {
    const log = replica();
    const title = { ...text(5), kind: "title_changed", title: "words" } as Message;
    const items = [
      text(1),
      text(2, "mine", { sender_id: ME }),
      reaction(3, 2, "👍", true),
      reaction(4, 2, "👍", true, ME),
      title,
    ];
    for (const item of items) log.receive(item, NOW);
    const { changed, outside } = log.receive(erasure(6, OTHER), NOW);
    log.receive(text(7), NOW);
    expect(seqs(changed)).toEqual([1, 2, 5]);
    expect(outside).toHaveLength(1);
    expect(log.messages.map(({ kind }) => kind)).toEqual(["deleted", "text", "deleted", "text"]);
    expect(log.message(2)).toMatchObject({ text: "mine", reactions: [{ emoji: "👍", count: 1, mine: true }] });
    expect(JSON.stringify(log.messages.slice(0, 3))).not.toMatch(/text 1|words/);
  });

  it("is bounded", () => {
    const log = replica();
    for (let seq = 1; seq <= 125; seq++) {
      log.receive(text(seq), NOW);
      expect(log.trim(100)).toBe(false);
    }
    log.receive(text(126), NOW);
    expect(log.trim(100)).toBe(true);
    expect(log.messages.length).toBe(100);
    expect([log.floor, log.cursor]).toEqual([26, 126]);
  });

  it("is the same whatever the order of pushes", () => {
    const items = [
      text(1),
      reaction(2, 1, "👍", true),
      text(3),
      edit(4, 3, "edited"),
      deletion(5, 1),
      reaction(6, 3, "🎉", true, ME),
    ];
    const inOrder = replica();
    for (const item of items) inOrder.receive(item, NOW);
    for (let turn = 0; turn < 50; turn++) {
      const shuffled = [...items, ...items].sort(() => Math.random() - 0.5);
      const log = replica();
      for (const item of shuffled) log.receive(item, NOW);
      expect(log.messages).toEqual(inOrder.messages);
    }
  });
});
