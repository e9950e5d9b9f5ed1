import type { Conversation } from "@palaver/client";
import { useClient, useMe, useObservable } from "@palaver/client/react";
import { memo, useMemo, type ReactNode } from "react";
import { briefly, exactly } from "../common/times";
import { Avatar } from "../people/avatar";
import { useNames, useTitle } from "../people/names";
import { describe } from "../chat/describe";

/** A conversation in the list. */
export const ConversationEntry = memo(function ConversationEntry({
  view,
  selected,
  onSelect,
}: {
  readonly view: Conversation;
  readonly selected: boolean;
  readonly onSelect: (id: string) => void;
}): ReactNode {
  const title = useTitle(view);
  const time = view.last_message_at;
  return (
    <li>
      <button className="conversation" aria-current={selected} onClick={() => onSelect(view.conversation_id)}>
        <Avatar id={view.peer_id ?? view.conversation_id} name={title} />
        <span className="conversation-title">{title}</span>
        {time !== null && (
          <time dateTime={time} title={exactly(time)}>
            {briefly(time)}
          </time>
        )}
        <LastMessage view={view} />
        {view.unread > 0 && (
          <span className="badge" aria-label={`${view.unread} unread`}>
            {view.unread >= 100 ? "99+" : view.unread}
          </span>
        )}
      </button>
    </li>
  );
});

function LastMessage({ view }: { readonly view: Conversation }): ReactNode {
  const client = useClient();
  const me = useMe();
  const typing = useObservable(
    useMemo(() => client.conversation(view.conversation_id).typing, [client, view.conversation_id]),
  );
  const last = view.last_message;
  const name = useNames(last === undefined ? [] : [last.sender_id, ...typing]);
  if (typing.length > 0) return <span className="last typing">{typing.map(name).join(", ")} is typing…</span>;
  if (last === undefined) return <span className="last" />;
  const sender = last.sender_id === me?.user_id ? "You" : view.type === "private" ? undefined : name(last.sender_id);
  const isText = last.kind === "text" || last.kind === "deleted";
  return (
    <span className="last">
      {isText && sender !== undefined && `${sender}: `}
      {describe(last, name)}
    </span>
  );
}
