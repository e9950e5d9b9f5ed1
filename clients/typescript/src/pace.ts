/** The intervals at which a client acts. */

/** Intervals and time limits in milliseconds. The defaults follow the protocol; tests use shorter ones. */
export interface Pace {
  /** How long items beyond a gap are held: the missing ones are usually on their way. */
  readonly gap: number;
  /** The second sync after connecting: by then every sender knows of the connection. */
  readonly secondSync: number;
  /** Between syncs, which find what no push brought. */
  readonly sync: number;
  /** Between two frames of receipts. */
  readonly receipts: number;
  /** Time limit of an answer. */
  readonly answer: number;
  /** First and longest back-off of requests that failed. */
  readonly retry: readonly [first: number, longest: number];
  /** First and longest back-off of connections that failed. */
  readonly reconnect: readonly [first: number, longest: number];
  /** Longest silence of a connection; API Gateway closes it after ten minutes. */
  readonly ping: number;
  /** A connection is renewed at a random age between these; API Gateway closes it after two hours. */
  readonly renew: readonly [earliest: number, latest: number];
  /** A connection is renewed this long before its token expires, if that is earlier. */
  readonly renewBeforeExpiry: number;
  /** Between two frames that say that the user types. */
  readonly typing: number;
  /** How long a received `typing` is shown if its end does not come. */
  readonly typingShown: number;
}

/** The intervals of the protocol. */
export const DEFAULT_PACE: Pace = {
  gap: 1_000,
  secondSync: 3_000,
  sync: 300_000,
  receipts: 1_000,
  answer: 10_000,
  retry: [250, 20_000],
  reconnect: [500, 30_000],
  ping: 540_000,
  renew: [6_000_000, 7_080_000],
  renewBeforeExpiry: 60_000,
  typing: 4_000,
  typingShown: 6_000,
};
