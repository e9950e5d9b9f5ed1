import type { ChatMessage } from "@palaver/client";
import { useState } from "react";

/** Messages that have rows at once. */
export const WINDOW = 150;

/** Messages by which the window moves. */
const STEP = 50;

/** The part of the messages that has rows: a long history stays as fast as a short one. */
export interface MessageWindow {
  readonly start: number;
  readonly end: number;
  /** Moves towards the beginning or the end, if there is more. */
  readonly move: (direction: "up" | "down") => void;
  /** Stays at these messages when new ones come. */
  readonly hold: () => void;
  /** Follows the newest message. */
  readonly follow: () => void;
}

/** Returns a window that follows the newest message until it is held or moved. */
export function useMessageWindow(messages: readonly ChatMessage[]): MessageWindow {
  /** The key of the last message of the window; `undefined` while the window follows the newest one. */
  const [last, setLast] = useState<string>();
  const found = last === undefined ? -1 : messages.findLastIndex(({ key }) => key === last);
  // A message that was discarded cannot be held.
  const end = found === -1 ? messages.length : found + 1;
  const start = Math.max(0, end - WINDOW);
  const move = (direction: "up" | "down"): void => {
    const to = direction === "up" ? end - Math.min(STEP, start) : Math.min(end + STEP, messages.length);
    setLast(messages[to - 1]?.key);
  };
  return { start, end, move, hold: () => setLast(messages[end - 1]?.key), follow: () => setLast(undefined) };
}
