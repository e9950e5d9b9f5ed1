import { useState, type ReactNode } from "react";
import { Dialog } from "./dialog";

/** Asks for a line of text. */
export function Ask({
  title,
  label,
  value,
  maxLength,
  mayBeEmpty = false,
  onSave,
  onClose,
}: {
  readonly title: string;
  readonly label: string;
  readonly value: string;
  readonly maxLength: number;
  readonly mayBeEmpty?: boolean;
  readonly onSave: (value: string) => void;
  readonly onClose: () => void;
}): ReactNode {
  const [text, setText] = useState(value);
  const isReady = mayBeEmpty || text.trim() !== "";
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isReady) return;
          onClose();
          if (text.trim() !== value) onSave(text.trim());
        }}
      >
        <label>
          {label}
          <input
            value={text}
            maxLength={maxLength}
            dir="auto"
            autoFocus
            onChange={({ target }) => setText(target.value)}
          />
        </label>
        <button className="primary" disabled={!isReady}>
          Save
        </button>
      </form>
    </Dialog>
  );
}
