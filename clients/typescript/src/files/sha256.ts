/**
 * SHA-256 of a file that does not fit in memory.
 *
 * WebCrypto hashes whole buffers only, and an announcement needs the hash of up to 5 GiB. So large files are hashed here, slice by
 * slice; small ones by the platform, which is faster.
 */

import type { Digest } from "../environment.js";

/** Files up to this size are hashed by the platform. */
const MAX_DIGEST_BYTES = 32 * 1024 * 1024;

/** Bytes that are read at a time. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** Returns the SHA-256 of a file in hex digits. Rejects when the signal is aborted. */
export async function sha256(file: Blob, digest: Digest, signal?: AbortSignal): Promise<string> {
  if (file.size <= MAX_DIGEST_BYTES) return hex(await digest(new Uint8Array(await file.arrayBuffer())));
  const hash = new Sha256();
  for (let from = 0; from < file.size; from += SLICE_BYTES) {
    signal?.throwIfAborted();
    hash.update(new Uint8Array(await file.slice(from, from + SLICE_BYTES).arrayBuffer()));
  }
  return hex(hash.digest());
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The first 32 bits of the fractional parts of the square (2) or cube (3) roots of the first primes, as FIPS 180-4 has them. */
function roots(count: number, root: 2 | 3): Uint32Array {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return Uint32Array.from(primes, (prime) => {
    const value = root === 2 ? Math.sqrt(prime) : Math.cbrt(prime);
    return Math.floor((value - Math.floor(value)) * 2 ** 32);
  });
}

const ROUNDS = roots(64, 3);

/** An incremental SHA-256. */
export class Sha256 {
  private readonly state = roots(8, 2);
  private readonly block = new Uint8Array(64);
  private readonly words = new Uint32Array(64);
  private length = 0;

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const at = this.length % 64;
      const part = bytes.subarray(from, from + 64 - at);
      this.block.set(part, at);
      this.length += part.length;
      from += part.length;
      if (this.length % 64 === 0) this.compress();
    }
  }

  /** Ends the hash. */
  digest(): Uint8Array {
    const bits = this.length * 8;
    const padding = new Uint8Array((this.length % 64 < 56 ? 56 : 120) - (this.length % 64) + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    const digest = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, index) => {
      digest.setUint32(index * 4, word);
    });
    return new Uint8Array(digest.buffer);
  }

  private compress(): void {
    const { words: w, state } = this;
    const view = new DataView(this.block.buffer);
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(i * 4);
    for (let i = 16; i < 64; i++) {
      const [early, late] = [w[i - 15] as number, w[i - 2] as number];
      const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
      const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
      w[i] = (w[i - 16] as number) + s0 + (w[i - 7] as number) + s1;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (ROUNDS[i] as number) + (w[i] as number)) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => {
      state[index] = (state[index] as number) + word;
    });
  }
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
