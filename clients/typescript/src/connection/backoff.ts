/** The wait before a retry. */

/** A source of random numbers from 0 up to 1. */
export type Random = () => number;

/**
 * Returns a random time up to `first`, doubled for each earlier attempt, and at most `longest`: full jitter. So clients that lost
 * a server at the same time do not come back at the same time.
 */
export function fullJitter(attempts: number, [first, longest]: readonly [number, number], random: Random): number {
  return random() * Math.min(longest, first * 2 ** Math.min(attempts, 16));
}
