import type { ReactNode } from "react";
import { Dialog } from "./dialog";

/** Asks before something that cannot be undone. */
export function Confirm({
  question,
  action,
  onConfirm,
  onClose,
}: {
  readonly question: string;
  readonly action: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}): ReactNode {
  return (
    <Dialog title={question} onClose={onClose}>
      <div className="buttons">
        <button
          className="danger"
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {action}
        </button>
        <button onClick={onClose}>Cancel</button>
      </div>
    </Dialog>
  );
}
