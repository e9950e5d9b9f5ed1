import type { ReactNode } from "react";

/** Three dots: more to choose from. */
export function DotsIcon(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M5 12h.01M12 12h.01M19 12h.01" strokeWidth={3.2} />
    </svg>
  );
}

/** A pin: it stays on top. */
export function PinIcon(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M9 3h6l-1 7 4 4H6l4-4zM12 14v7" />
    </svg>
  );
}

/** A bell that is struck through: it does not ring. */
export function QuietIcon(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M6 16V11a6 6 0 0 1 9-5.2M18 10v6H8M10 20h4M4 4l16 16" />
    </svg>
  );
}

/** A box with a lid: it is put away. */
export function ArchiveIcon(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M3 5h18v4H3zM5 9v10h14V9M10 13h4" />
    </svg>
  );
}
