import type { Conversation } from "@palaver/client";
import { usePresence, useTyping } from "@palaver/client/react";
import type { ReactNode } from "react";
import { briefly } from "../common/times";
import { ChatAvatar } from "../people/chat-avatar";
import { useNames, useTitle } from "../people/names";

/** The title of a conversation, and who is there. */
export function ChatHeader({
  view,
  onClose,
  onDetails,
}: {
  readonly view: Conversation;
  readonly onClose: () => void;
  readonly onDetails: () => void;
}): ReactNode {
  const title = useTitle(view);
  const presence = usePresence(view.conversation_id);
  const peer = view.peer_id === undefined ? undefined : presence.get(view.peer_id);
  return (
    <header className="chat-header">
      <button className="icon back" aria-label="Back to the conversations" onClick={onClose}>
        ‹
      </button>
      <button className="plain title" onClick={onDetails} aria-label={`${title}: details`}>
        <ChatAvatar view={view} name={title} size={40} online={peer?.online ?? false} />
        <span>
          <strong>
            <bdi>{title}</bdi>
          </strong>
          <Status view={view} online={peer?.online} lastSeen={peer?.last_seen_at ?? undefined} />
        </span>
      </button>
    </header>
  );
}

function Status({
  view,
  online,
  lastSeen,
}: {
  readonly view: Conversation;
  readonly online: boolean | undefined;
  readonly lastSeen: string | undefined;
}): ReactNode {
  const typing = useTyping(view.conversation_id);
  const name = useNames(typing);
  if (typing.length > 0) {
    return (
      <small className="typing" role="status">
        {view.type === "private"
          ? "typing…"
          : `${typing.map(name).join(", ")} ${typing.length === 1 ? "is" : "are"} typing…`}
      </small>
    );
  }
  if (view.closed) return <small>closed</small>;
  if (view.type !== "private")
    return (
      <small>
        {view.member_count === undefined
          ? ""
          : `${view.member_count} ${view.member_count === 1 ? "member" : "members"}`}
      </small>
    );
  return <small>{online === true ? "online" : lastSeen === undefined ? "" : `last seen ${briefly(lastSeen)}`}</small>;
}
