import { useClient } from "@palaver/client/react";
import { useEffect, useRef, type ReactNode } from "react";
import type { ShownAttachment } from "./attachments";
import { useThumbnail } from "./thumbnails";

/** An image, as large as the window. */
export function Lightbox({
  shown: { file, origin },
  onClose,
}: {
  readonly shown: ShownAttachment;
  readonly onClose: () => void;
}): ReactNode {
  const { api } = useClient();
  const element = useRef<HTMLDialogElement>(null);
  const url = useThumbnail(file.file_id, 1280, origin);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  const original = async (): Promise<void> => {
    window.open((await api.files.link(file.file_id, origin)).url, "_blank", "noopener");
  };
  return (
    <dialog
      ref={element}
      className="lightbox"
      aria-label={file.name}
      onClose={onClose}
      onClick={() => element.current?.close()}
    >
      {url !== undefined && <img src={url} alt={file.name} />}
      <footer>
        <button onClick={() => void original().catch(() => undefined)}>Original</button>
        <button>Close</button>
      </footer>
    </dialog>
  );
}
