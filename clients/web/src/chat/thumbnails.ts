import type { FileOrigin } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useCallback } from "react";
import { useImage } from "../common/images";

/** Returns the address of a thumbnail, once it is there. */
export function useThumbnail(fileId: string, size: 320 | 1280, origin: FileOrigin | undefined): string | undefined {
  const client = useClient();
  const [conversation, seq] = [origin?.conversation_id, origin?.seq];
  const link = useCallback(() => {
    const origin = conversation === undefined || seq === undefined ? undefined : { conversation_id: conversation, seq };
    return client.api.files.thumbnail(fileId, size, origin);
  }, [client, fileId, size, conversation, seq]);
  return useImage(`${fileId}/${size}`, link);
}
