import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { platform } from "../../src/environment.js";
import { Sha256, sha256 } from "../../src/files/sha256.js";

const expected = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("SHA-256", () => {
  it("is that of the standard, for every length around a block and any cut", () => {
    for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000]) {
      const bytes = randomBytes(length);
      const cut = Math.floor(length / 3);
      const hash = new Sha256();
      hash.update(bytes.subarray(0, cut));
      hash.update(bytes.subarray(cut));
      expect(Buffer.from(hash.digest()).toString("hex"), `${length} bytes`).toBe(expected(bytes));
    }
  });

  it("is the same for files that are too large for the platform", async () => {
    const bytes = Buffer.alloc(33 * 1024 * 1024, "palaver");
    expect(await sha256(new Blob([bytes]), () => Promise.reject(new Error("too large")))).toBe(expected(bytes));
    const small = bytes.subarray(0, 1000);
    expect(await sha256(new Blob([small]), platform().digest)).toBe(expected(small));
  });
});
