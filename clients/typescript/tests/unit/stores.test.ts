import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { describe, expect, it } from "vitest";
import type { KeptMessage } from "../../src/log/replica.js";
import { IndexedDbStore } from "../../src/store/indexeddb-store.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import type { KeptConversation, Store } from "../../src/store/store.js";
import type { Outgoing } from "../../src/sending/outgoing.js";
import { CONVERSATION, ME, text } from "./items.js";

const user = { user_id: ME, display_name: "Alice", created_at: "t", updated_at: "t" };

const kept = (cursor: number): KeptConversation => ({
  conversation: {
    conversation_id: CONVERSATION,
    type: "group",
    history: "full",
    closed: false,
    role: "owner",
    head_seq: 9,
    last_message_at: null,
    read_seq: 0,
    unread: 0,
  },
  replica: { cursor, floor: 0, expired_seq: 0 },
  receipts: { bob: { delivered: 3, read: 2 } },
  acked_seq: 1,
});

const outgoing = (order: number): Outgoing => ({
  client_message_id: `id-${order}`,
  conversation_id: CONVERSATION,
  draft: { text: "hi" },
  order,
});

/** Every store, and how it is opened again. */
const STORES: readonly [string, () => { store: Store; reopened: () => Store }][] = [
  [
    "memory",
    () => {
      const store = new MemoryStore();
      return { store, reopened: () => store };
    },
  ],
  [
    "IndexedDB",
    () => {
      const indexedDb = { factory: new IDBFactory(), ranges: IDBKeyRange };
      return { store: new IndexedDbStore("alice", indexedDb), reopened: () => new IndexedDbStore("alice", indexedDb) };
    },
  ],
];

describe.each(STORES)("the store in %s", (_, open) => {
  it("is empty at first", async () => {
    const { store } = open();
    expect(await store.load()).toEqual({ user: undefined, conversations: [], messages: [] });
    expect(await store.outgoing()).toEqual([]);
  });

  it("returns what was committed, messages in the order of their log", async () => {
    const { store, reopened } = open();
    const messages: KeptMessage[] = [text(10), text(9), { ...text(2), reactors: { "👍": [ME] } }];
    await store.commit({ user, conversations: [kept(9)], messages, outgoing: [outgoing(2), outgoing(1)] });
    await store.commit({ conversations: [kept(10)], messages: [text(9, "changed")] });
    store.close();
    const later = reopened();
    expect(await later.load()).toEqual({
      user,
      conversations: [kept(10)],
      messages: [messages[2], text(9, "changed"), text(10)],
    });
    expect(await later.outgoing()).toEqual([outgoing(1), outgoing(2)]);
  });

  it("forgets messages up to a seq, of one conversation", async () => {
    const { store } = open();
    const other = { ...text(3), conversation_id: "other" };
    await store.commit({ messages: [text(1), text(2), text(3), other] });
    await store.commit({ forgotten: [{ conversation_id: CONVERSATION, through: 2 }], messages: [text(4)] });
    expect((await store.load()).messages).toEqual([text(3), text(4), other]);
  });

  it("replaces and removes messages that wait", async () => {
    const { store } = open();
    await store.commit({ outgoing: [outgoing(1), outgoing(2)] });
    await store.commit({ outgoing: [{ ...outgoing(2), after_seq: 7, batch: 2 }], settled: ["id-1"] });
    expect(await store.outgoing()).toEqual([{ ...outgoing(2), after_seq: 7, batch: 2 }]);
  });

  it("can be emptied", async () => {
    const { store } = open();
    await store.commit({ user, conversations: [kept(1)], messages: [text(1)], outgoing: [outgoing(1)] });
    await store.clear();
    expect(await store.load()).toEqual({ user: undefined, conversations: [], messages: [] });
    expect(await store.outgoing()).toEqual([]);
  });
});

describe("a store in IndexedDB", () => {
  it("is refused by a version that is older than its data, and says so", async () => {
    const indexedDb = { factory: new IDBFactory(), ranges: IDBKeyRange };
    await new Promise((resolve) => (indexedDb.factory.open("palaver-alice", 99).onsuccess = resolve));
    await expect(new IndexedDbStore("alice", indexedDb).load()).rejects.toThrow(/version/i);
  });
});
