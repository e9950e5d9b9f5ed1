/** Times, in the words of the reader's language. */

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const UPCOMING = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const DAY_MS = 86_400_000;

/** The hour and minute. */
export function timeOf(timestamp: string): string {
  return TIME.format(new Date(timestamp));
}

/** The time of today, the weekday of this week, or the date. */
export function briefly(timestamp: string): string {
  const date = new Date(timestamp);
  const age = daysAgo(date);
  if (age <= 0) return TIME.format(date);
  return age < 7 ? WEEKDAY.format(date) : DATE.format(date);
}

/** A time to come: with the day, unless it is today. */
export function upcoming(timestamp: string): string {
  const date = new Date(timestamp);
  return (isSameDay(timestamp, new Date().toISOString()) ? TIME : UPCOMING).format(date);
}

/** The day, as a heading. */
export function dayOf(timestamp: string): string {
  const date = new Date(timestamp);
  const age = daysAgo(date);
  return age < 2 ? capitalised(RELATIVE.format(-age, "day")) : age < 300 ? DAY.format(date) : DATE.format(date);
}

/** All of it. */
export function exactly(timestamp: string): string {
  return EXACT.format(new Date(timestamp));
}

/** True if both are of the same day. */
export function isSameDay(one: string, other: string): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

function capitalised(words: string): string {
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}

function daysAgo(date: Date): number {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  return Math.ceil((midnight.getTime() - date.getTime()) / DAY_MS);
}
