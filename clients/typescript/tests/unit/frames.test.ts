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

  it("have errors of the same form over both transports", () => {
    const expected = { code: "busy", detail: "later", retryable: true, retry_after_ms: 50, request_id: "r" };
    expect(readError(expected)).toEqual(expected);
    expect(readError({ ...expected, title: "Busy", status: 503 }, 503)).toEqual(expected);
  });

  it("are worth a repeat where only API Gateway answers, by the status", () => {
    const retryable = [401, 403, 413, 429, 500, 503].filter((status) => readError({ message: "…" }, status).retryable);
    expect(retryable).toEqual([429, 500, 503]);
    expect(readError("<html>", 502)).toEqual({
      code: "",
      detail: "status 502",
      retryable: true,
      retry_after_ms: null,
    });
  });
});
