import type { Conversation, ConversationHandle, Message } from "@palaver/client";
import { usePinned } from "@palaver/client/react";
import { useState, type ReactNode } from "react";
import { Dialog } from "../common/dialog";
import { PinIcon } from "../common/icons";
import { useRequests } from "../common/requests";
import { briefly, exactly } from "../common/times";
import { useNames } from "../people/names";
import { describe, namedIn } from "./describe";

/** True if the user may pin messages for everybody, and unpin them. */
export function mayPin({ type, role, closed, blocked }: Conversation): boolean {
  if (closed || role === null) return false;
  return type === "private" ? blocked !== true : role !== "member";
}

interface Props {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  /** Shows a message in its place. */
  readonly onOpen: (seq: number) => void;
}

/** The newest pinned message, and a way to all of them. Nothing, if none is pinned. */
export function PinnedBar({ chat, view, onOpen }: Props): ReactNode {
  const pinned = usePinned(chat.id);
  const [showsAll, setShowsAll] = useState(false);
  const name = useNames(pinned.flatMap(namedIn));
  const [newest] = pinned;
  if (newest === undefined) return null;
  return (
    <section className="pinned" aria-label="Pinned messages">
      <PinIcon />
      <button className="plain newest" onClick={() => onOpen(newest.seq)}>
        <strong>Pinned message</strong>
        <bdi>{describe(newest, name)}</bdi>
      </button>
      <button className="plain" aria-haspopup="dialog" onClick={() => setShowsAll(true)}>
        All {pinned.length}
      </button>
      {showsAll && (
        <Dialog title="Pinned messages" onClose={() => setShowsAll(false)}>
          <All
            chat={chat}
            view={view}
            pinned={pinned}
            name={name}
            onOpen={(seq) => {
              setShowsAll(false);
              onOpen(seq);
            }}
          />
        </Dialog>
      )}
    </section>
  );
}

interface AllProps extends Props {
  readonly pinned: readonly Message[];
  readonly name: (id: string) => string;
}

function All({ chat, view, pinned, name, onOpen }: AllProps): ReactNode {
  const { act, failure } = useRequests();
  return (
    <>
      {failure !== undefined && <p role="alert">{failure}</p>}
      <ul className="pinned-messages">
        {pinned.map((message) => (
          <li key={message.seq}>
            <button className="hit" onClick={() => onOpen(message.seq)}>
              <bdi className="hit-title">{name(message.sender_id)}</bdi>
              <time dateTime={message.sent_at} title={exactly(message.sent_at)}>
                {briefly(message.sent_at)}
              </time>
              <bdi className="last">{describe(message, name)}</bdi>
            </button>
            {mayPin(view) && (
              <button
                className="icon"
                aria-label={`Unpin ${describe(message, name)}`}
                title="Unpin"
                onClick={() => act(chat.pin(message.seq, false))}
              >
                ✕
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
