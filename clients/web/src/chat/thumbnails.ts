import type { Client, FileOrigin } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useEffect, useState } from "react";

/** Images by file and size. Bytes of a file never change, links to them end. */
const loaded = new Map<string, Promise<string>>();

/** Returns the address of a thumbnail, once it is there. */
export function useThumbnail(fileId: string, size: 320 | 1280, origin: FileOrigin | undefined): string | undefined {
  const client = useClient();
  const [url, setUrl] = useState<string>();
  const [conversation, seq] = [origin?.conversation_id, origin?.seq];
  useEffect(() => {
    let current = true;
    const origin = conversation === undefined || seq === undefined ? undefined : { conversation_id: conversation, seq };
    thumbnail(client, fileId, size, origin).then(
      (url) => current && setUrl(url),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [client, fileId, size, conversation, seq]);
  return url;
}

function thumbnail(client: Client, fileId: string, size: 320 | 1280, origin: FileOrigin | undefined): Promise<string> {
  const key = `${fileId}/${size}`;
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const loading = client.api.files
    .thumbnail(fileId, size, origin)
    .then(({ url }) => fetch(url))
    .then((response) => (response.ok ? response.blob() : Promise.reject(new Error(`status ${response.status}`))))
    .then((blob) => URL.createObjectURL(blob));
  loaded.set(key, loading);
  loading.catch(() => loaded.delete(key));
  return loading;
}
