import type { Conversation, User } from "@palaver/client";
import { useMe, useUsers } from "@palaver/client/react";
import { useCallback, useMemo } from "react";

/** The user in whose name backends act without a user. */
const SYSTEM = "00000000-0000-0000-0000-000000000000";

/** Returns what names users; asks for those of `ids` that are not known. */
export function useNames(ids: readonly string[]): (id: string) => string {
  const key = ids.join();
  const users = useUsers(useMemo(() => key.split(",").filter((id) => id !== ""), [key]));
  return useCallback((id: string) => nameOf(users.get(id), id), [users]);
}

/** Returns the title of a conversation: for a private one, the other user's name. */
export function useTitle(view: Conversation): string {
  const peer = view.type === "private" ? view.peer_id : undefined;
  const name = useNames(peer === undefined ? [] : [peer]);
  const me = useMe();
  if (peer !== undefined) return peer === me?.user_id ? "Notes" : name(peer);
  return view.title ?? "Conversation";
}

function nameOf(user: User | undefined, id: string): string {
  if (user === undefined) return id === SYSTEM ? "System" : "…";
  return "deleted" in user ? "Deleted user" : user.display_name;
}
