import type { SendingState } from "@palaver/client";
import type { ReactNode } from "react";

const LABELS: Readonly<Record<SendingState, string>> = {
  sending: "On its way",
  sent: "Sent",
  delivered: "Delivered to all",
  read: "Read by all",
  failed: "Not sent",
};

/** The state of one's own message; a click tells who has received and read it. */
export function Ticks({ state, onClick }: { readonly state: SendingState; readonly onClick: () => void }): ReactNode {
  return (
    <button className="ticks" data-state={state} title={LABELS[state]} aria-label={LABELS[state]} onClick={onClick}>
      {state === "failed" ? (
        "!"
      ) : state === "sending" ? (
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="6" />
          <path d="M8 4.5V8l2.5 1.5" />
        </svg>
      ) : (
        <svg viewBox="0 0 20 16" aria-hidden="true">
          <path d="M2 8.5 6 12 13 4" />
          {state !== "sent" && <path d="m9 11 1.2 1L18 4" />}
        </svg>
      )}
    </button>
  );
}
