/** The sending state of the user's own messages, from the watermarks of others. */

import type { Conversation } from "../protocol/index.js";
import type { Watermarks } from "../store/store.js";

/** The seqs up to which all other members have received and read everything. */
export interface Ticks {
  readonly delivered: number;
  readonly read: number;
}

/** Computes the ticks. A member without a known watermark has read nothing. */
export function ticks({ type, member_count = 0 }: Conversation, receipts: Readonly<Record<string, Watermarks>>): Ticks {
  const others = type === "private" ? 1 : member_count - 1;
  const marks = Object.values(receipts);
  return {
    read: reachedBy(
      others,
      marks.map(({ read }) => read),
    ),
    // A read implies a delivery.
    delivered: reachedBy(
      others,
      marks.map(({ delivered, read }) => Math.max(delivered, read)),
    ),
  };
}

/** The highest seq that so many of the watermarks have reached. */
function reachedBy(count: number, seqs: number[]): number {
  return count < 1 ? 0 : (seqs.sort((a, b) => b - a)[count - 1] ?? 0);
}
