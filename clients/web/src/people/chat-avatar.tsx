import type { Conversation } from "@palaver/client";
import type { ReactNode } from "react";
import { Avatar, PersonAvatar, type Shown } from "./avatar";

/** The avatar of a conversation: for a private one, that of the other user. */
export function ChatAvatar({ view, ...shown }: Omit<Shown, "id"> & { readonly view: Conversation }): ReactNode {
  if (view.peer_id !== undefined) return <PersonAvatar id={view.peer_id} {...shown} />;
  return <Avatar id={view.conversation_id} {...shown} />;
}
