import { useEffect, useState } from "react";

/** Time that a page needs to connect, and a conversation that has just begun to be known. */
const PATIENCE_MS = 3_000;

/** Returns true once something is shown for longer than it takes where nothing is wrong. */
export function useLate(): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return isLate;
}
