import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Client } from "../../src/index.js";
import { caughtUp, clientOf, textsOf, uniqueName, until } from "../support/people.js";

describe("two people", () => {
  const endpoints = inject("endpoints");
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    alice = clientOf(endpoints, uniqueName("alice"));
    bob = clientOf(endpoints, uniqueName("bob"));
    await Promise.all([alice.start(), bob.start()]);
    await Promise.all([caughtUp(alice), caughtUp(bob)]);
  });

  afterAll(async () => {
    await Promise.all([alice.stop(), bob.stop()]);
  });

  it("chat, with ticks, reactions, edits and deletions", async () => {
    const bobId = bob.me.get()?.user_id ?? "";
    const hers = await alice.withUser(bobId);
    const submitted = hers.send("Hello, Bob");
    expect(hers.timeline.get().messages.at(-1)).toMatchObject({
      text: "Hello, Bob",
      state: "sending",
      key: submitted.client_message_id,
    });
    const seq = await submitted.accepted();

    const his = bob.conversation(hers.id);
    await until(his.timeline, (timeline) => textsOf(timeline).includes("Hello, Bob"), "bob does not get the message");
    expect(bob.conversations.get()[0]).toMatchObject({ conversation_id: hers.id, unread: 1 });
    const stateIs = (state: string) =>
      until(
        hers.timeline,
        ({ messages }) => messages.some((message) => message.seq === seq && message.state === state),
        `not ${state}`,
      );
    await stateIs("delivered");
    his.read();
    expect(his.view.get()?.unread).toBe(0);
    await stateIs("read");

    await his.react(seq, "👍");
    await until(
      hers.timeline,
      ({ messages }) => messages.some((message) => message.reactions?.[0]?.emoji === "👍"),
      "no reaction",
    );
    await hers.edit(seq, "Hello, bob!");
    await until(his.timeline, (timeline) => textsOf(timeline).includes("Hello, bob!"), "no edit");
    await hers.delete(seq);
    await until(his.timeline, (timeline) => textsOf(timeline).includes(null), "no deletion");
  });

  it("see each other typing", async () => {
    const hers = await alice.withUser(bob.me.get()?.user_id ?? "");
    const his = bob.conversation(hers.id);
    his.typed();
    await until(hers.typing, (users) => users.length === 1, "bob does not type");
    his.typed(false);
    await until(hers.typing, (users) => users.length === 0, "bob still types");
  });

  it("keep the order of what is said at once, in batches", async () => {
    const hers = await alice.withUser(bob.me.get()?.user_id ?? "");
    const said = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    const seqs = await Promise.all(said.map((text) => hers.send(text).accepted()));
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    const his = bob.conversation(hers.id);
    await until(his.timeline, (timeline) => textsOf(timeline).slice(-60).join() === said.join(), "not in order");
  });
});
