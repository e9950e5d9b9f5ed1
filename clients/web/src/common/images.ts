import type { DownloadLink } from "@palaver/client";
import { useEffect, useState } from "react";

/** Images by keys. A key never stands for other bytes, while links to them end. */
const loaded = new Map<string, Promise<string>>();

/** Returns the address of an image, once it is there; of none without a key. `link` has to stay the same for the same key. */
export function useImage(key: string | undefined, link: () => Promise<DownloadLink>): string | undefined {
  const [shown, setShown] = useState<{ readonly key: string; readonly url: string }>();
  useEffect(() => {
    if (key === undefined) return undefined;
    let current = true;
    image(key, link).then(
      (url) => current && setShown({ key, url }),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [key, link]);
  return shown?.key === key ? shown?.url : undefined;
}

function image(key: string, link: () => Promise<DownloadLink>): Promise<string> {
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const loading = link()
    .then(({ url }) => fetch(url))
    .then((response) => (response.ok ? response.blob() : Promise.reject(new Error(`status ${response.status}`))))
    .then((blob) => URL.createObjectURL(blob));
  loaded.set(key, loading);
  loading.catch(() => loaded.delete(key));
  return loading;
}
