import type { Attachment, FileUpload } from "@palaver/client";
import { useUpload } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import type { Uploads } from "./uploads";

/** The files that go with the next message, and how far they are. */
export function UploadChips({ uploads }: { readonly uploads: Uploads }): ReactNode {
  if (uploads.list.length === 0) return null;
  return (
    <ul className="chips uploads">
      {uploads.list.map((upload) => (
        <UploadChip key={upload.key} upload={upload} onRemove={() => uploads.remove(upload)} />
      ))}
    </ul>
  );
}

function UploadChip({ upload, onRemove }: { readonly upload: FileUpload; readonly onRemove: () => void }): ReactNode {
  const { status, sentBytes, size, file, error } = useUpload(upload);
  const { name } = upload.source;
  return (
    <li data-status={status}>
      <span>{name}</span>
      {status === "sending" && <progress aria-label={name} value={sentBytes} max={size} />}
      <small>
        {WORDS[status] ?? (status === "rejected" ? file?.reason : error instanceof Error ? error.message : "")}
      </small>
      {status === "paused" && (
        <button className="plain" onClick={() => upload.resume()}>
          Go on
        </button>
      )}
      <button className="icon" aria-label={`Remove ${name}`} onClick={onRemove}>
        ✕
      </button>
    </li>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  hashing: "…",
  sending: "",
  inspecting: "checking",
  ready: "✓",
  paused: "interrupted",
};

/** Returns the attachments once all uploads are ready; `undefined` before. */
export function useAttachments(uploads: readonly FileUpload[]): readonly Attachment[] | undefined {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const ends = uploads.map((upload) => upload.state.subscribe(() => setTurn((turn) => turn + 1)));
    return () => {
      for (const end of ends) end();
    };
  }, [uploads]);
  const files = uploads.flatMap((upload) => {
    const { status, file } = upload.state.get();
    return status === "ready" && file !== undefined ? [file] : [];
  });
  if (files.length < uploads.length) return undefined;
  return files.map(({ file_id, name, content_type, size, width, height }) => ({
    ...{ file_id, name, content_type, size },
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
  }));
}
