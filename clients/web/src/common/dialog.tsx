import { useEffect, useRef, type ReactNode } from "react";

/** A modal dialog: the platform keeps the focus in it, and Escape closes it. The focus goes back to where it was. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      // Unless something else has taken it.
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      className="dialog"
      aria-label={title}
      onClose={onClose}
      onClick={(event) => {
        // Beside the dialog.
        if (event.target === element.current) element.current.close();
      }}
    >
      <div className="dialog-content">
        <header>
          <h2>{title}</h2>
          <button className="icon" aria-label="Close" onClick={() => element.current?.close()}>
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
