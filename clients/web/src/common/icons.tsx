import type { ReactNode } from "react";

/** A drawing in lines of the colour around it, in a square of 24. */
function Icon({ d, strokeWidth }: { readonly d: string; readonly strokeWidth?: number }): ReactNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={d} strokeWidth={strokeWidth} />
    </svg>
  );
}

/** Three dots: more to choose from. */
export const DotsIcon = (): ReactNode => <Icon d="M5 12h.01M12 12h.01M19 12h.01" strokeWidth={3.2} />;

/** A pin: it stays on top. */
export const PinIcon = (): ReactNode => <Icon d="M9 3h6l-1 7 4 4H6l4-4zM12 14v7" />;

/** A bell that is struck through: it does not ring. */
export const QuietIcon = (): ReactNode => <Icon d="M6 16V11a6 6 0 0 1 9-5.2M18 10v6H8M10 20h4M4 4l16 16" />;

/** A box with a lid: it is put away. */
export const ArchiveIcon = (): ReactNode => <Icon d="M3 5h18v4H3zM5 9v10h14V9M10 13h4" />;

/** A paper clip: files that go with a message. */
export const ClipIcon = (): ReactNode => (
  <Icon d="m20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 5 5l-8.4 8.4a1.7 1.7 0 0 1-2.5-2.4L15 7.5" />
);

/** A paper plane: it is sent. */
export const SendIcon = (): ReactNode => <Icon d="M3 20.5 21.5 12 3 3.5v6.6L15 12 3 13.9z" />;
