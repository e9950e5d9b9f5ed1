import { describe, expect, it } from "vitest";
import { DEFAULT_PACE } from "../../src/pace.js";
import type { Answer, ClientFrame, ErrorBody, SendMessage } from "../../src/protocol/index.js";
import { Outbox } from "../../src/sending/outbox.js";
import type { Outgoing } from "../../src/sending/outgoing.js";
import { CONVERSATION, ME, text } from "./items.js";

type SendFrame = Extract<ClientFrame, { action: "send" }>;

const refusal = (code: string, retryable = false): ErrorBody => ({
  code,
  detail: code,
  retryable,
  retry_after_ms: null,
});
const messagesOf = (frame: SendFrame): readonly SendMessage[] => ("messages" in frame ? frame.messages : [frame]);
const idsOf = (frame: SendFrame): string[] => messagesOf(frame).map((message) => message.client_message_id);

/** An outbox with one conversation, and the clock. */
class Sender {
  readonly outbox = new Outbox(DEFAULT_PACE, () => 0.5);
  now = 0;
  private said = 0;

  say(words = "hi", more: Partial<Outgoing> = {}): string {
    const order = ++this.said;
    const client_message_id = `id-${order}`;
    this.outbox.add(
      { client_message_id, conversation_id: CONVERSATION, draft: { text: words }, order, ...more },
      this.now,
    );
    return client_message_id;
  }

  frame(cursor = 0): SendFrame | undefined {
    const [sent] = this.outbox.toSend(this.now, () => cursor);
    return sent?.frame as SendFrame | undefined;
  }

  later(milliseconds = DEFAULT_PACE.answer + DEFAULT_PACE.retry[1]): void {
    this.now += milliseconds;
  }

  answer(frame: SendFrame, answer: Answer) {
    return this.outbox.answered(frame.id, answer, this.now);
  }
}

const accepted = (frame: SendFrame, firstSeq: number): Answer =>
  "messages" in frame
    ? {
        type: "sent",
        messages: frame.messages.map(({ client_message_id }, index) => ({
          client_message_id,
          seq: firstSeq + index,
          message_id: "m",
          sent_at: "t",
        })),
      }
    : { type: "sent", seq: firstSeq, message_id: "m", sent_at: "t" };

describe("the outbox", () => {
  it("has one frame under way, and sends what is said meanwhile together", () => {
    const sender = new Sender();
    sender.say();
    const first = sender.frame(4);
    expect(first).toMatchObject({ after_seq: 4, client_message_id: "id-1" });
    sender.say();
    sender.say();
    expect(sender.frame(5)).toBeUndefined();
    if (first === undefined) throw new Error();
    expect(sender.answer(first, accepted(first, 5)).settled).toMatchObject([{ sent: { seq: 5 } }]);
    expect(sender.frame(5)).toMatchObject({
      after_seq: 5,
      messages: [{ client_message_id: "id-2" }, { client_message_id: "id-3" }],
    });
  });

  it("repeats a batch unchanged until it is answered", () => {
    const sender = new Sender();
    sender.say();
    sender.say();
    const first = sender.frame(4) as SendFrame;
    sender.say();
    sender.later();
    const second = sender.frame(9) as SendFrame;
    expect({ ...second, id: "" }).toEqual({ ...first, id: "" });
    expect(second.id).not.toBe(first.id);
  });

  it("keeps the first attempt before the frame leaves", () => {
    const sender = new Sender();
    sender.say();
    const [sent] = sender.outbox.toSend(0, () => 7);
    expect(sent?.keep).toMatchObject([{ client_message_id: "id-1", after_seq: 7 }]);
    sender.later();
    expect(sender.outbox.toSend(sender.now, () => 9)[0]?.keep).toEqual([]);
  });

  it("repeats what an earlier client has attempted, with its batch and its after_seq", () => {
    const sender = new Sender();
    sender.say("new");
    sender.say("old", { after_seq: 3, batch: 0.5, client_message_id: "old-1" });
    sender.say("old", { after_seq: 3, batch: 0.5, client_message_id: "old-2" });
    const frame = sender.frame(9) as SendFrame;
    expect([frame.after_seq, idsOf(frame)]).toEqual([3, ["old-1", "old-2"]]);
    sender.answer(frame, accepted(frame, 4));
    expect(sender.frame(9)).toMatchObject({ after_seq: 9, client_message_id: "id-1" });
  });

  it("fills a batch with 25 messages and 31 KB", () => {
    const sender = new Sender();
    for (let n = 0; n < 30; n++) sender.say();
    expect(messagesOf(sender.frame() as SendFrame)).toHaveLength(25);
    const large = new Sender();
    for (let n = 0; n < 5; n++) large.say("ü".repeat(4_000));
    expect(messagesOf(large.frame() as SendFrame)).toHaveLength(3);
  });

  it("sends the rest of a batch again with the same after_seq", () => {
    const sender = new Sender();
    for (let n = 0; n < 3; n++) sender.say();
    const frame = sender.frame(1) as SendFrame;
    sender.say();
    const entry = { client_message_id: "id-1", seq: 2, message_id: "m", sent_at: "t" };
    sender.answer(frame, {
      type: "sent",
      messages: [entry],
      error: { ...refusal("rate_limited", true), retry_after_ms: 7_000 },
    });
    sender.later(7_000);
    expect(sender.frame(2)).toBeUndefined();
    sender.later(DEFAULT_PACE.retry[0]);
    const rest = sender.frame(2) as SendFrame;
    expect([rest.after_seq, idsOf(rest)]).toEqual([1, ["id-2", "id-3"]]);
  });

  it("sends the messages of a refused batch one by one", () => {
    const sender = new Sender();
    for (let n = 0; n < 3; n++) sender.say();
    sender.answer(sender.frame(1) as SendFrame, { type: "error", error: refusal("text_too_large") });
    const first = sender.frame(1) as SendFrame;
    expect(idsOf(first)).toEqual(["id-1"]);
    sender.answer(first, accepted(first, 2));
    const second = sender.frame(2) as SendFrame;
    expect([second.after_seq, idsOf(second)]).toEqual([1, ["id-2"]]);
    expect(sender.answer(second, { type: "error", error: refusal("text_too_large") }).failed).toMatchObject([
      { client_message_id: "id-2", failed: { code: "text_too_large" } },
    ]);
    expect(idsOf(sender.frame(2) as SendFrame)).toEqual(["id-3"]);
  });

  it("looks for a message that is behind before it sends it again", () => {
    const sender = new Sender();
    sender.say();
    sender.say();
    const frame = sender.frame(1) as SendFrame;
    expect(sender.answer(frame, { type: "error", error: refusal("behind") }).sync).toBe(CONVERSATION);
    sender.later();
    expect(sender.frame(600)).toBeUndefined();
    expect(sender.outbox.seen(text(77, "hi", { client_message_id: "id-1", sender_id: ME }), sender.now)).toMatchObject({
      sent: { seq: 77 },
    });
    expect(sender.outbox.caughtUp(CONVERSATION, 600, sender.now)).toMatchObject([
      { client_message_id: "id-2", after_seq: 600 },
    ]);
    expect(sender.frame(601)).toMatchObject({ after_seq: 600, client_message_id: "id-2" });
  });

  it("ignores answers to earlier attempts, unless they settle a message", () => {
    const sender = new Sender();
    sender.say();
    const first = sender.frame(1) as SendFrame;
    sender.later();
    const second = sender.frame(1) as SendFrame;
    expect(sender.answer(first, { type: "error", error: refusal("muted") })).toEqual({ settled: [], failed: [] });
    expect(sender.answer(first, accepted(first, 2)).settled).toHaveLength(1);
    expect(sender.answer(second, accepted(second, 2)).settled).toHaveLength(0);
  });

  it("brings each message to the log once and in order, whatever is lost or repeated", () => {
    for (let seed = 1; seed <= 300; seed++) simulate(seed);
  });
});

/** A log that finds earlier attempts after `after_seq`, behind a network that loses and repeats. */
function simulate(seed: number): void {
  const random = generator(seed);
  const sender = new Sender();
  const log: (string | undefined)[] = [undefined];
  const settledSeqs = new Map<string, number>();
  const underWay: SendFrame[] = [];
  let cursor = 1;
  let said = 0;
  let wantsSync = false;
  const execute = (frame: SendFrame): Answer => {
    if (log.length - frame.after_seq > 8) return { type: "error", error: refusal("behind") };
    const entries = messagesOf(frame).map(({ client_message_id }) => {
      const earlier = log.indexOf(client_message_id, frame.after_seq);
      const seq = earlier >= 0 ? earlier + 1 : log.push(client_message_id);
      if (random() < 0.2) log.push(undefined);
      return { client_message_id, seq, message_id: "m", sent_at: "t" };
    });
    const [entry] = entries;
    return "messages" in frame || entry === undefined
      ? { type: "sent", messages: entries }
      : { type: "sent", ...entry };
  };
  const settle = (settled: readonly { outgoing: Outgoing; sent: { seq: number } }[]): void => {
    for (const { outgoing, sent } of settled) settledSeqs.set(outgoing.client_message_id, sent.seq);
  };
  for (let step = 0; settledSeqs.size < 12; step++) {
    if (step > 10_000) throw new Error(`seed ${seed}: it does not end`);
    sender.later(DEFAULT_PACE.retry[1]);
    while (said < 12 && random() < 0.5) {
      sender.say();
      said += 1;
    }
    const frame = sender.frame(cursor);
    if (frame !== undefined) underWay.push(frame);
    if (underWay.length > 0 && random() < 0.7) {
      const [executed] = underWay.splice(Math.floor(random() * underWay.length), 1) as [SendFrame];
      const answer = execute(executed);
      if (random() < 0.6) {
        const verdict = sender.answer(executed, answer);
        settle(verdict.settled);
        wantsSync ||= verdict.sync !== undefined;
      }
      if (random() < 0.3) underWay.push(executed);
    }
    if (wantsSync || random() < 0.3) {
      const head = wantsSync ? log.length : cursor + Math.floor(random() * (log.length - cursor + 1));
      for (; cursor < head; cursor++) {
        const id = log[cursor];
        const seen =
          id === undefined
            ? undefined
            : sender.outbox.seen(text(cursor + 1, "hi", { client_message_id: id, sender_id: ME }), sender.now);
        if (seen !== undefined) settle([seen]);
      }
    }
    if (wantsSync) sender.outbox.caughtUp(CONVERSATION, cursor, sender.now);
    wantsSync = false;
  }
  for (const frame of underWay) execute(frame);
  const logged = log.flatMap((id, index) => (id === undefined ? [] : [[id, index + 1] as const]));
  const inOrder = [...settledSeqs].sort(([a], [b]) => Number(a.slice(3)) - Number(b.slice(3)));
  expect(inOrder, `seed ${seed}`).toEqual(logged);
}

/** Mulberry32: the same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
