import type { Profile } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useEffect, type ReactNode } from "react";
import { Dialog } from "../common/dialog";
import { useRequests } from "../common/requests";
import { PersonAvatar } from "../people/avatar";

/** Longest side of a picture that is sent as it is, in pixels; the server keeps 320. */
const SENT_SIDE = 640;

/** Sets or removes the user's picture. */
export function PictureDialog({ me, onClose }: { readonly me: Profile; readonly onClose: () => void }): ReactNode {
  const client = useClient();
  const { act, failure, pending, fulfilled } = useRequests();
  useEffect(() => {
    if (fulfilled > 0) onClose();
  }, [fulfilled, onClose]);
  return (
    <Dialog title="Your picture" onClose={onClose}>
      <div className="form">
        <PersonAvatar id={me.user_id} name={me.display_name} size={120} />
        <label>
          Choose a picture
          <input
            type="file"
            accept="image/png, image/jpeg, image/gif, image/webp"
            disabled={pending > 0}
            onChange={({ target }) => {
              const [file] = target.files ?? [];
              if (file !== undefined) act(small(file).then((picture) => client.setAvatar(picture)));
            }}
          />
        </label>
        {me.avatar_id !== undefined && (
          <button type="button" disabled={pending > 0} onClick={() => act(client.setAvatar(null))}>
            Remove the picture
          </button>
        )}
        {failure !== undefined && <p role="alert">{failure}</p>}
      </div>
    </Dialog>
  );
}

/** Makes a photo small before it is sent. What the browser cannot read is sent as it is: the server says what is wrong with it. */
async function small(file: File): Promise<Blob> {
  const image = await createImageBitmap(file).catch(() => undefined);
  const scale = image === undefined ? 1 : SENT_SIDE / Math.max(image.width, image.height);
  if (image === undefined || scale >= 1) return file;
  const canvas = new OffscreenCanvas(Math.max(1, image.width * scale), Math.max(1, image.height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: file.type === "image/png" ? "image/png" : "image/jpeg", quality: 0.9 });
}
