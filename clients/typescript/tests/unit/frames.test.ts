import { describe, expect, it } from "vitest";
import { readError, readFrame } from "../../src/protocol/index.js";

describe("frames of the server", () => {
  it.each(["", "null", "[]", "7", "{", "{}", '{"type":"from_the_future"}', '{"type":7}'])(
    "that mean nothing are ignored: %s",
    (frame) => {
      expect(readFrame(frame)).toEqual({ kind: "ignored" });
    },
  );

  it("without a type are the gateway's", () => {
    expect(readFrame('{"message":"Internal server error","connectionId":"c","requestId":"r"}')).toEqual({
      kind: "gateway",
    });
  });

  it("with items are one push, whatever their number", () => {
    const item = { seq: 1, kind: "text", text: "hi" };
    for (const type of ["message", "message_edited", "message_deleted", "reaction"]) {
      expect(readFrame(JSON.stringify({ type, message: item }))).toEqual({
        kind: "push",
        push: { type: "items", items: [item] },
      });
    }
    expect(readFrame(JSON.stringify({ type: "messages", messages: [item, item] }))).toMatchObject({
      push: { items: [item, item] },
    });
  });

  it("name conversations of a sync as everywhere else, with either name on the wire", () => {
    for (const name of ["id", "conversation_id"]) {
      const frame = {
        reply_to: "sync/1",
        type: "synced",
        conversations: [{ [name]: "c", messages: [], hidden: [], head_seq: 3, more: false }],
        cursor: null,
      };
      expect(readFrame(JSON.stringify(frame))).toMatchObject({
        kind: "answer",
        reply_to: "sync/1",
        answer: { conversations: [{ conversation_id: "c" }] },
      });
    }
  });

  it("have errors with one name for the words, over both transports", () => {
    const expected = { code: "busy", message: "later", retryable: true, retry_after_ms: 50, request_id: "r" };
    const common = { code: "busy", retryable: true, retry_after_ms: 50, request_id: "r" };
    expect(readError({ ...common, message: "later" })).toEqual(expected);
    expect(readError({ ...common, detail: "later", title: "Busy", status: 503 }, 503)).toEqual(expected);
  });

  it("are worth a repeat where only API Gateway answers, by the status", () => {
    const retryable = [401, 403, 413, 429, 500, 503].filter((status) => readError({ message: "…" }, status).retryable);
    expect(retryable).toEqual([429, 500, 503]);
    expect(readError("<html>", 502)).toEqual({
      code: "",
      message: "status 502",
      retryable: true,
      retry_after_ms: null,
    });
  });
});
