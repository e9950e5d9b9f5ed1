import type { Conversation } from "@palaver/client";
import { useClient, useMe, useObservable } from "@palaver/client/react";
import { memo, useMemo, type ReactNode } from "react";
import { DotsIcon, PinIcon, QuietIcon } from "../common/icons";
import { briefly, exactly } from "../common/times";
import { isQuiet } from "../dialogs/conversation-settings";
import { ChatAvatar } from "../people/chat-avatar";
import { useNames, useTitle } from "../people/names";
import { describe } from "../chat/describe";
import { draftOf } from "../chat/drafts";

/** A conversation in the list. */
export const ConversationEntry = memo(function ConversationEntry({
  view,
  selected,
  onSelect,
  onOptions,
}: {
  readonly view: Conversation;
  readonly selected: boolean;
  readonly onSelect: (id: string) => void;
  readonly onOptions: (id: string) => void;
}): ReactNode {
  const title = useTitle(view);
  const time = view.last_message_at;
  return (
    <li className="entry">
      <button className="conversation" aria-current={selected} onClick={() => onSelect(view.conversation_id)}>
        <ChatAvatar view={view} name={title} />
        <bdi className="conversation-title" title={title}>
          {title}
        </bdi>
        {time !== null && (
          <time dateTime={time} title={exactly(time)}>
            {briefly(time)}
          </time>
        )}
        <LastMessage view={view} draft={selected ? "" : draftOf(view.conversation_id)} />
        <Marks view={view} />
      </button>
      <button
        className="icon options"
        aria-label={`Options of ${title}`}
        aria-haspopup="dialog"
        onClick={() => onOptions(view.conversation_id)}
      >
        <DotsIcon />
      </button>
    </li>
  );
});

/** What the user has set, and what there is to read. */
function Marks({ view }: { readonly view: Conversation }): ReactNode {
  const isMarked = view.unread === 0 && view.settings?.marked_unread === true;
  const quiet = isQuiet(view);
  return (
    <span className="marks">
      {quiet && <Mark name="Muted" icon={<QuietIcon />} />}
      {view.settings?.pinned === true && <Mark name="Pinned" icon={<PinIcon />} />}
      {view.unread > 0 && (
        <span className="badge" role="img" aria-label={`${view.unread} unread`} data-quiet={quiet}>
          {view.unread >= 100 ? "99+" : view.unread}
        </span>
      )}
      {isMarked && <span className="badge" role="img" aria-label="Marked as unread" data-quiet={quiet} />}
    </span>
  );
}

function Mark({ name, icon }: { readonly name: string; readonly icon: ReactNode }): ReactNode {
  return (
    <span className="mark" role="img" aria-label={name} title={name}>
      {icon}
    </span>
  );
}

function LastMessage({ view, draft }: { readonly view: Conversation; readonly draft: string }): ReactNode {
  const client = useClient();
  const me = useMe();
  const typing = useObservable(
    useMemo(() => client.conversation(view.conversation_id).typing, [client, view.conversation_id]),
  );
  const last = view.last_message;
  const name = useNames(last === undefined ? [] : [last.sender_id, ...typing]);
  if (typing.length > 0) return <span className="last typing">{typing.map(name).join(", ")} is typing…</span>;
  if (draft.trim() !== "")
    return (
      <bdi className="last">
        <span className="danger">Draft:</span> {draft}
      </bdi>
    );
  if (last === undefined) return <span className="last" />;
  const sender = last.sender_id === me?.user_id ? "You" : view.type === "private" ? undefined : name(last.sender_id);
  const isText = last.kind === "text" || last.kind === "deleted";
  return (
    <bdi className="last">
      {isText && sender !== undefined && `${sender}: `}
      {describe(last, name)}
    </bdi>
  );
}
