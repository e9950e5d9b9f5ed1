import type { User } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useEffect, useState } from "react";
import { tokenIssuer } from "../session";
import { personId } from "./person-id";

/** A person who has a profile. */
export type Person = User & { display_name: string };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Finds a person by the name with which they sign in at the local issuer, or by their id. */
export function usePersonSearch(name: string): { readonly person: Person | undefined; readonly searching: boolean } {
  const client = useClient();
  const wanted = name.trim();
  const [found, setFound] = useState<{ name: string; person: Person | undefined }>({ name: "", person: undefined });
  useEffect(() => {
    if (wanted === "") return;
    let current = true;
    const timer = setTimeout(() => {
      const id = UUID.test(wanted) ? Promise.resolve(wanted) : tokenIssuer().then((issuer) => personId(issuer, wanted));
      id.then((id) => client.api.users.get([id]))
        .catch(() => [])
        .then(([user]) => {
          if (current)
            setFound({ name: wanted, person: user !== undefined && "display_name" in user ? user : undefined });
        }, console.error);
    }, 200);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, wanted]);
  const isCurrent = found.name === wanted;
  return { person: isCurrent ? found.person : undefined, searching: !isCurrent };
}
