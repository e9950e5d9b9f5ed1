import { randomBytes } from "node:crypto";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import {
  createClient,
  IndexedDbStore,
  MemoryStore,
  PalaverError,
  type Client,
  type ConversationHandle,
} from "../../src/index.js";
import { FaultyProxy } from "../support/faulty-proxy.js";
import { caughtUp, clientOf, PATIENCE, textsOf, tokensOf, uniqueName, until } from "../support/people.js";

const endpoints = inject("endpoints");
const running: Client[] = [];

async function started(name: string, options: Parameters<typeof clientOf>[2] = {}): Promise<Client> {
  const client = clientOf(endpoints, name, options);
  running.push(client);
  await client.start();
  await caughtUp(client);
  return client;
}

const idOf = (client: Client): string => client.me.get()?.user_id ?? "";

afterAll(async () => {
  await Promise.all(running.map((client) => client.stop()));
});

describe("files", () => {
  let alice: Client;
  let room: ConversationHandle;

  beforeAll(async () => {
    alice = await started(uniqueName("alice"));
    room = await alice.create({ type: "group", title: "Files" });
  });

  it.each([
    ["one piece", 1_000],
    ["parts", 9 * 1024 * 1024],
  ])("go up in %s, with progress, and down with a message", async (_, size) => {
    const bytes = new Blob([randomBytes(size)]);
    const upload = room.upload({ name: "noise.bin", content_type: "application/octet-stream", bytes });
    const statuses = new Set<string>();
    const stop = upload.state.subscribe(() => statuses.add(upload.state.get().status));
    const attachment = await upload.ready();
    stop();
    expect([...statuses]).toEqual(["sending", "inspecting", "ready"]);
    expect(upload.state.get()).toMatchObject({ sentBytes: size, size });
    const seq = await room.send({ text: "", attachments: [attachment] }).accepted();
    const { url } = await alice.api.files.link(attachment.file_id, { conversation_id: room.id, seq });
    expect(await (await fetch(url)).arrayBuffer()).toEqual(await bytes.arrayBuffer());
  });

  it("pause when storage cannot be reached, and go on with the same file", async () => {
    let broken = true;
    const bob = await started(uniqueName("bob"), {
      pace: { retry: [1, 5] },
      environment: {
        put: async ({ method, url, headers, body }) => {
          if (broken) throw new TypeError("no network");
          return (await fetch(url, { method, headers, body })).status;
        },
      },
    });
    const handle = await bob.create({ type: "group", title: "Files" });
    const upload = handle.upload({ name: "a.txt", content_type: "text/plain", bytes: new Blob(["hello"]) });
    const paused = await until(upload.state, ({ status }) => status === "paused", "the upload does not pause");
    broken = false;
    upload.resume();
    expect((await upload.ready()).file_id).toBe(paused.file?.file_id);
  });

  it("that are refused say why", async () => {
    const bytes = new Blob(["%PDF, or not"]);
    const upload = room.upload({ name: "a.png", content_type: "image/png", bytes });
    await expect(upload.ready()).rejects.toThrow("type_mismatch");
    await expect(room.upload({ name: "", content_type: "text/plain", bytes }).ready()).rejects.toMatchObject({
      code: "invalid_request",
    });
  });
});

describe("history", () => {
  it("is bounded in the store, and loads upwards without gaps", async () => {
    const indexedDb = { factory: new IDBFactory(), ranges: IDBKeyRange };
    const name = uniqueName("alice");
    const store = new IndexedDbStore(name, indexedDb);
    const alice = await started(name, { store, keptMessages: 40, initialItems: 20 });
    const room = await alice.create({ type: "group", title: "Long" });
    const said = Array.from({ length: 130 }, (_, n) => `message ${n}`);
    await Promise.all(said.map((text) => room.send(text).accepted()));
    expect((await store.load()).messages.length).toBeLessThanOrEqual(50);
    await alice.stop();

    const again = await started(name, {
      store: new IndexedDbStore(name, indexedDb),
      keptMessages: 40,
      initialItems: 20,
    });
    const later = again.conversation(room.id);
    expect(textsOf(later.timeline.get()).length).toBeLessThanOrEqual(50);
    while (later.timeline.get().hasOlder) await later.loadOlder();
    expect(textsOf(later.timeline.get())).toEqual(said);
  });

  it("shows later reactions, edits and deletions of messages that are not kept", async () => {
    const alice = await started(uniqueName("alice"), { keptMessages: 8, initialItems: 8 });
    const room = await alice.create({ type: "group", title: "Long" });
    const seqs = await Promise.all(Array.from({ length: 30 }, (_, n) => room.send(`message ${n}`).accepted()));
    const [first = 0, second = 0, third = 0] = seqs;
    const bystander = await started(uniqueName("bob"), { keptMessages: 8, initialItems: 8 });
    await room.addMembers([idOf(bystander)]);
    const close = room.open();
    await until(room.timeline, ({ messages }) => messages.length > 0, "no messages");
    while (room.timeline.get().hasOlder) await room.loadOlder();
    await room.react(first, "👍");
    await room.edit(second, "edited");
    await room.delete(third);
    const at = (seq: number) => room.timeline.get().messages.find((message) => message.seq === seq);
    await until(room.timeline, () => at(first)?.reactions?.[0]?.count === 1, "no reaction");
    await until(room.timeline, () => textsOf(room.timeline.get())[1] === "edited", "no edit");
    await until(room.timeline, () => at(third)?.kind === "deleted", "no deletion");
    close();
    expect(room.timeline.get().messages.length).toBeLessThanOrEqual(10);
  });
});

describe("the first attempt of a message", () => {
  it("is in the store before it leaves", async () => {
    const proxy = await FaultyProxy.start(endpoints.websocket);
    const store = new MemoryStore();
    const alice = await started(uniqueName("alice"), { websocket: proxy.url, store });
    const room = await alice.create({ type: "group", title: "Attempts" });
    const first = await room.send("accepted").accepted();
    proxy.faults.loseAnswers = { action: "send", count: 1 };
    const { client_message_id } = room.send("not answered");
    await expect
      .poll(() => proxy.frames.filter(({ action }) => action === "send").length, { timeout: PATIENCE })
      .toBe(2);
    expect(await store.outgoing()).toMatchObject([
      { client_message_id, after_seq: first, batch: expect.any(Number) as number },
    ]);
    proxy.stop();
  });
});

describe("conversations", () => {
  it("change, have members with roles, are left, and found if they are public", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    const title = uniqueName("Gardening");
    const room = await alice.create({ type: "public", title });
    const found = await bob.api.conversations.findPublic({ q: title });
    expect(found.entries).toMatchObject([{ conversation_id: room.id, member: false }]);
    const his = await bob.join(room.id);
    const close = his.open();
    await room.changeMember(idOf(bob), { role: "admin" });
    await his.change({ title: `${title} for all` });
    await until(room.view, (view) => view?.title === `${title} for all`, "no title");
    expect((await room.members()).map(({ role }) => role).sort()).toEqual(["admin", "owner"]);
    expect((await room.loadPresence()).get(idOf(bob))?.online).toBe(true);
    close();
    await his.leave();
    await until(his.view, (view) => view?.role === null, "bob has not left");
  });

  it("are searched, and show their hits in place", async () => {
    const alice = await started(uniqueName("alice"));
    const room = await alice.create({ type: "group", title: "Search" });
    const word = uniqueName("needle").replace("-", "");
    const seq = await room.send(`a ${word} in the hay`).accepted();
    const hits = () => alice.api.messages.search({ q: word });
    await expect
      .poll(async () => (await hits()).entries, { timeout: PATIENCE, interval: 200 })
      .toMatchObject([{ message: { seq }, highlights: [[2, 2 + word.length]] }]);
    expect((await alice.api.messages.around(room.id, seq)).messages.map((message) => message.seq)).toContain(seq);
  });
});

describe("custom", () => {
  it("comes with messages, and changes and goes by edits", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    const room = await alice.withUser(idOf(bob));
    const custom = { poll: { options: ["a", "b"], until: null }, at: [52.5, -13.25] };
    const seq = await room.send({ text: "vote", custom }).accepted();
    const his = bob.conversation(room.id);
    const close = his.open();
    const at = (handle: ConversationHandle) => {
      const message = handle.timeline.get().messages.find((found) => found.seq === seq);
      return message?.kind === "text" ? message.custom : null;
    };
    await until(his.timeline, () => at(his) != null, "it does not come");
    expect([at(room), at(his)]).toEqual([custom, custom]);
    await room.edit(seq, "vote", [], { poll: 7 });
    await until(his.timeline, () => JSON.stringify(at(his)) === '{"poll":7}', "the change does not come");
    await room.edit(seq, "vote", [], null);
    await until(his.timeline, () => at(his) === undefined, "it stays");
    close();
  });

  it("belongs to conversations and users", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    const room = await alice.create({ type: "group", title: "Blue", custom: { colour: "blue" } });
    await room.addMembers([idOf(bob)]);
    const his = bob.conversation(room.id);
    await until(his.view, (view) => view?.custom?.colour === "blue", "it does not come");
    await room.change({ custom: { colour: "red" } });
    await until(his.view, (view) => view?.custom?.colour === "red", "the change does not come");
    await alice.api.users.setProfile("Alice", { pronouns: "she" });
    expect((await alice.api.users.setProfile("Alicia")).custom).toEqual({ pronouns: "she" });
    expect(await bob.api.users.get([idOf(alice)])).toMatchObject([{ custom: { pronouns: "she" } }]);
  });
});

describe("pins", () => {
  it("reach everybody, and end with the message", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    const room = await alice.withUser(idOf(bob));
    const seqs = [await room.send("one").accepted(), await room.send("two").accepted()] as const;
    const his = bob.conversation(room.id);
    for (const seq of seqs) await room.pin(seq);
    await until(his.view, (view) => view?.pinned_seqs?.length === 2, "they do not come");
    expect((await his.loadPinned()).map(({ seq }) => seq)).toEqual([seqs[1], seqs[0]]);
    expect(his.pinned.get()).toMatchObject([{ text: "two" }, { text: "one" }]);
    await his.pin(seqs[0], false);
    await until(room.view, (view) => view?.pinned_seqs?.length === 1, "the end does not come");
    await room.delete(seqs[1]);
    expect(await room.loadPinned()).toEqual([]);
    await until(his.pinned, (pinned) => pinned.length === 0, "a deleted message is still shown");
  });
});

describe("mentions", () => {
  it("are listed over all conversations, newest first", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    const group = await alice.create({ type: "group", title: "Team", member_ids: [idOf(bob)] });
    const mentions = [idOf(bob)];
    await group.send({ text: "first", mentions }).accepted();
    await group.send("nobody").accepted();
    await (await alice.withUser(idOf(bob))).send({ text: "second", mentions }).accepted();
    // The list follows the log.
    let listed: (string | null)[] = [];
    while (listed.length < 2) {
      const { entries } = await bob.api.messages.mentions({ limit: 5 });
      listed = entries.map((message) => (message.kind === "text" ? message.text : null));
    }
    expect(listed).toEqual(["second", "first"]);
    expect(await alice.api.messages.mentions()).toEqual({ entries: [], cursor: null });
  });
});

describe("blocks", () => {
  it("hold between users who have no conversation, and are listed", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    await alice.api.users.block(idOf(bob));
    expect(await alice.api.users.blocked()).toEqual({ entries: [idOf(bob)], cursor: null });
    await expect(bob.withUser(idOf(alice))).rejects.toMatchObject({ code: "not_allowed" });
    await alice.api.users.block(idOf(bob), false);
    expect((await alice.api.users.blocked()).entries).toEqual([]);
    expect((await bob.withUser(idOf(alice))).id).toBeTruthy();
  });
});

describe("avatars", () => {
  it("are pictures that everybody gets", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
      "base64",
    );
    const { avatar_id } = await alice.api.users.setAvatar(new Blob([png], { type: "image/png" }));
    expect(await bob.api.users.get([idOf(alice)])).toMatchObject([{ avatar_id }]);
    const picture = await fetch((await bob.api.users.avatar(idOf(alice))).url);
    expect(picture.headers.get("content-type")).toMatch(/^image\//);
    await alice.api.users.setAvatar(null);
    await expect(bob.api.users.avatar(idOf(alice))).rejects.toMatchObject({ code: "avatar_not_found" });
  });
});

describe("settings", () => {
  it("of a conversation are on all devices, and a read ends the mark", async () => {
    const name = uniqueName("alice");
    const [phone, laptop, bob] = await Promise.all([started(name), started(name), started(uniqueName("bob"))]);
    const his = await bob.withUser(idOf(phone));
    await his.send("hello").accepted();
    const on = (client: Client): ConversationHandle => client.conversation(his.id);
    const settings = { notification_level: "none", archived: true, pinned: true, marked_unread: true } as const;
    await until(on(phone).view, (view) => view !== undefined, "it does not come");
    expect(await on(phone).changeSettings(settings)).toEqual(settings);
    for (const client of [phone, laptop])
      await until(on(client).view, (view) => view?.settings?.marked_unread === true, "the settings do not come");
    expect(his.view.get()?.settings).toBeUndefined();
    on(laptop).read(on(laptop).view.get()?.head_seq);
    for (const client of [phone, laptop])
      await until(on(client).view, (view) => view?.settings?.marked_unread === undefined, "the mark stays");
    await on(laptop).changeSettings({ notification_level: "all", archived: false });
    await until(on(phone).view, (view) => view?.settings?.archived === undefined, "the change does not come");
    expect(on(phone).view.get()?.settings).toEqual({ pinned: true });
  });
});

describe("users", () => {
  it("are found by their names", async () => {
    const [alice, bob] = await Promise.all([started(uniqueName("alice")), started(uniqueName("bob"))]);
    const name = bob.me.get()?.display_name ?? "";
    const found = await alice.api.users.find(name.toUpperCase());
    expect(found.map(({ user_id }) => user_id)).toEqual([idOf(bob)]);
  });
});

describe("refusals", () => {
  it("of a message leave it failed, to be sent again or discarded", async () => {
    const [alice, bob] = [await started(uniqueName("alice")), await started(uniqueName("bob"))];
    const hers = await alice.withUser(idOf(bob));
    const his = await bob.withUser(idOf(alice));
    await his.change({ blocked: true });
    const submitted = hers.send("are you there?");
    await expect(submitted.accepted()).rejects.toThrow(PalaverError);
    expect(hers.timeline.get().messages.at(-1)).toMatchObject({ state: "failed", error: { code: "blocked" } });
    await his.change({ blocked: false });
    await hers.retry(submitted.client_message_id)?.accepted();
    expect(hers.timeline.get().messages.at(-1)).toMatchObject({ state: "sent", text: "are you there?" });
  });

  it("of the token stop the client, and so does a missing profile", async () => {
    const expired = clientOf(endpoints, uniqueName("alice"), { getToken: tokensOf(endpoints, "alice", () => -60) });
    const nobody = createClient({ ...endpoints, getToken: tokensOf(endpoints, uniqueName("nobody")) });
    running.push(expired, nobody);
    await Promise.all([expired.start(), nobody.start()]);
    expect(await until(expired.connection, ({ status }) => status === "stopped", "it goes on")).toMatchObject({
      refusal: "token_refused",
    });
    expect(await until(nobody.connection, ({ status }) => status === "stopped", "it goes on")).toMatchObject({
      refusal: "profile_required",
    });
  });

  it("of a deleted account are final", async () => {
    const alice = await started(uniqueName("alice"));
    await alice.api.users.deleteAccount();
    expect(await until(alice.connection, ({ status }) => status === "stopped", "it goes on")).toMatchObject({
      refusal: "user_deleted",
    });
  });
});

describe("exports", () => {
  it("are requested, announced and linked", async () => {
    const alice = await started(uniqueName("alice"));
    const announced = new Promise<string>((resolve) => {
      alice.on((event) => {
        if (event.type === "export") resolve(event.export.export_id);
      });
    });
    const { export_id } = await alice.api.exports.ofUser();
    expect(await announced).toBe(export_id);
    expect(await alice.api.exports.get(export_id)).toMatchObject({ state: "ready" });
  });
});
