import type { Conversation, ConversationHandle, Member, Role } from "@palaver/client";
import { useMe, usePresence } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import { Ask } from "../common/ask";
import { Confirm } from "../common/confirm";
import { Dialog } from "../common/dialog";
import { useRequests } from "../common/requests";
import { PersonAvatar } from "../people/avatar";
import { useNames, useTitle } from "../people/names";
import { ConversationSettings } from "./conversation-settings";
import { PersonPicker } from "./person-picker";

interface Props {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly onClose: () => void;
  /** The conversation is to be read later. */
  readonly onUnread: () => void;
}

/** A conversation's title and members, and what may be changed of them. */
export function ChatDetails({ chat, view, onClose, onUnread }: Props): ReactNode {
  const title = useTitle(view);
  const [asking, setAsking] = useState<"leave" | "title" | "topic">();
  const stopAsking = (): void => setAsking(undefined);
  const { act, failure, pending, fulfilled } = useRequests();
  // A block is pushed to this window too, a second before it holds: only the answer says that it does.
  const toggleBlock = (): void => {
    if (pending === 0) act(chat.change({ blocked: view.blocked !== true }));
  };
  const mayManage = (view.role === "owner" || view.role === "admin") && view.type !== "private" && !view.closed;
  return (
    <Dialog title={title} onClose={onClose}>
      {view.topic !== undefined && <p>{view.topic}</p>}
      {failure !== undefined && <p role="alert">{failure}</p>}
      <div className="buttons">
        {mayManage && <button onClick={() => setAsking("title")}>Change the title</button>}
        {mayManage && <button onClick={() => setAsking("topic")}>Change the topic</button>}
        {view.type === "private" && (
          <button aria-disabled={pending > 0} onClick={toggleBlock}>
            {view.blocked === true ? "Unblock" : "Block"}
          </button>
        )}
        {view.type !== "private" && view.role !== null && (
          <button className="danger" onClick={() => setAsking("leave")}>
            Leave
          </button>
        )}
      </div>
      {asking === "title" && (
        <Ask
          title="Change the title"
          label="Title"
          value={view.title ?? ""}
          maxLength={200}
          onSave={(title) => act(chat.change({ title }))}
          onClose={stopAsking}
        />
      )}
      {asking === "topic" && (
        <Ask
          title="Change the topic"
          label="Topic"
          value={view.topic ?? ""}
          maxLength={1_000}
          mayBeEmpty
          onSave={(topic) => act(chat.change({ topic: topic === "" ? null : topic }))}
          onClose={stopAsking}
        />
      )}
      {asking === "leave" && (
        <Confirm
          question={`Leave ${title}?`}
          action="Leave"
          onConfirm={() => act(chat.leave().then(onClose))}
          onClose={stopAsking}
        />
      )}
      {view.role !== null && (
        <ConversationSettings chat={chat} view={view} act={act} onMoved={() => undefined} onUnread={onUnread} />
      )}
      {view.type !== "private" && view.role !== null && (
        <Members chat={chat} view={view} mayManage={mayManage} turn={fulfilled} act={act} />
      )}
    </Dialog>
  );
}

interface MembersProps {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly mayManage: boolean;
  /** Loads the members again when it changes. */
  readonly turn: number;
  readonly act: (change: Promise<unknown>) => void;
}

function Members({ chat, view, mayManage, turn, act }: MembersProps): ReactNode {
  const me = useMe();
  const [members, setMembers] = useState<readonly Member[]>([]);
  const presence = usePresence(chat.id);
  const name = useNames(members.map(({ user_id }) => user_id));
  useEffect(() => {
    chat.members().then(setMembers, () => undefined);
  }, [chat, turn]);
  return (
    <>
      <ul className="members">
        {members.map(({ user_id, role }) => (
          <li key={user_id}>
            <PersonAvatar id={user_id} name={name(user_id)} size={36} online={presence.get(user_id)?.online ?? false} />
            <span>{name(user_id)}</span>
            {view.role === "owner" && user_id !== me?.user_id ? (
              <select
                aria-label={`Role of ${name(user_id)}`}
                value={role}
                onChange={({ target }) => act(chat.changeMember(user_id, { role: target.value as Role }))}
              >
                {(["owner", "admin", "member"] as const).map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            ) : (
              <small className="hint">{role}</small>
            )}
            {mayManage && user_id !== me?.user_id && (view.role === "owner" || role === "member") && (
              <button
                className="icon"
                aria-label={`Remove ${name(user_id)}`}
                onClick={() => act(chat.removeMember(user_id))}
              >
                ✕
              </button>
            )}
          </li>
        ))}
      </ul>
      {mayManage && (
        <PersonPicker
          label="Add a person"
          action="Add"
          verb="Add"
          onPick={({ user_id }) => act(chat.addMembers([user_id]))}
        />
      )}
    </>
  );
}
