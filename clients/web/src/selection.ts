import { useCallback, useSyncExternalStore } from "react";

/** The selected conversation and message, in the address: `#<conversation>/<seq>`. So the browser's back button works. */
export interface Selection {
  readonly id: string | undefined;
  readonly seq: number | undefined;
  readonly select: (id: string | undefined, seq?: number) => void;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => {
    window.removeEventListener("hashchange", listener);
  };
}

/** Returns the selection, and renders again when it changes. */
export function useSelection(): Selection {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  const [id, seq] = hash.slice(1).split("/");
  const select = useCallback((id: string | undefined, seq?: number) => {
    window.location.hash = id === undefined ? "" : seq === undefined ? id : `${id}/${seq}`;
  }, []);
  return { id: id === "" ? undefined : id, seq: seq === undefined ? undefined : Number(seq), select };
}
