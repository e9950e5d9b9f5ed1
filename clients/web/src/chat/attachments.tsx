import type { Attachment, ChatMessage, FileOrigin } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import type { ReactNode } from "react";
import { useThumbnail } from "./thumbnails";

/** An attachment, and the message that gives access to it. */
export interface ShownAttachment {
  readonly file: Attachment;
  readonly origin: FileOrigin | undefined;
}

/** The files of a message: images as thumbnails, others by name. */
export function Attachments({
  message,
  act,
  onImage,
}: {
  readonly message: ChatMessage;
  readonly act: (request: Promise<unknown>) => void;
  readonly onImage: (shown: ShownAttachment) => void;
}): ReactNode {
  if (message.kind !== "text") return null;
  const origin = message.seq === undefined ? undefined : { conversation_id: message.conversation_id, seq: message.seq };
  return (
    <ul className="attachments">
      {message.attachments?.map((file) => (
        <li key={file.file_id}>
          {file.width === undefined ? (
            <FileLink file={file} origin={origin} act={act} />
          ) : (
            <Image shown={{ file, origin }} onOpen={onImage} />
          )}
        </li>
      ))}
    </ul>
  );
}

function Image({
  shown,
  onOpen,
}: {
  readonly shown: ShownAttachment;
  readonly onOpen: (shown: ShownAttachment) => void;
}): ReactNode {
  const { file, origin } = shown;
  const url = useThumbnail(file.file_id, 320, origin);
  const { width = 320, height = 240 } = file;
  return (
    <button
      className="image"
      onClick={() => onOpen(shown)}
      aria-label={`Show ${file.name}`}
      style={{ aspectRatio: `${width} / ${height}` }}
    >
      {url !== undefined && <img src={url} alt={file.name} width={width} height={height} />}
    </button>
  );
}

function FileLink({
  file,
  origin,
  act,
}: {
  readonly file: Attachment;
  readonly origin: FileOrigin | undefined;
  readonly act: (request: Promise<unknown>) => void;
}): ReactNode {
  const { api } = useClient();
  const download = async (): Promise<void> => {
    const { url } = await api.files.link(file.file_id, origin);
    // The link is made for this click: it is good for five minutes.
    window.open(url, "_blank", "noopener");
  };
  return (
    <button className="file" onClick={() => act(download())}>
      <span aria-hidden="true">📄</span>
      <span>
        {file.name}
        <small>{sizeOf(file.size)}</small>
      </span>
    </button>
  );
}

/** A number of bytes, in words. */
export function sizeOf(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const format = new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: units[power] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: 1,
  });
  return format.format(bytes / 1000 ** power);
}
