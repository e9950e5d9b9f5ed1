import {
  PalaverError,
  type ChatMessage,
  type Conversation,
  type ConversationHandle,
  type Message,
} from "@palaver/client";
import { useClient, useMe } from "@palaver/client/react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useSelection } from "../selection";
import { Messages, type MessageActions } from "./messages";

interface Loaded {
  readonly messages: readonly Message[];
  readonly before: boolean;
  readonly after: boolean;
}

interface Props extends MessageActions {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly seq: number;
}

/** What was said around a message, somewhere in the log. */
export function PastMessages({ chat, view, seq, onIntent, onImage }: Props): ReactNode {
  const { api } = useClient();
  const me = useMe();
  const { select } = useSelection();
  const list = useRef<HTMLDivElement>(null);
  const [loaded, setLoaded] = useState<Loaded>();
  const [failure, setFailure] = useState<string>();
  const fail = (error: unknown): void =>
    setFailure(error instanceof PalaverError ? error.message : "The messages cannot be loaded now.");

  useEffect(() => {
    api.messages
      .around(chat.id, seq)
      .then(
        ({ messages, more_before, more_after }) => setLoaded({ messages, before: more_before, after: more_after }),
        fail,
      );
  }, [api, chat, seq]);
  useEffect(() => {
    list.current?.querySelector(`[data-seq="${seq}"]`)?.scrollIntoView({ block: "center" });
  }, [loaded === undefined, seq]);

  const shown = useMemo(() => (loaded?.messages ?? []).map((message) => asShown(message, me?.user_id)), [loaded, me]);
  const more = async (direction: "before" | "after"): Promise<void> => {
    if (loaded === undefined) return;
    const edge = direction === "before" ? loaded.messages[0]?.seq : loaded.messages.at(-1)?.seq;
    const page = await api.messages.history(
      chat.id,
      direction === "before" ? { before_seq: edge ?? seq } : { after_seq: edge ?? seq },
    );
    setLoaded(
      direction === "before"
        ? { ...loaded, messages: [...page.messages, ...loaded.messages], before: page.more }
        : { ...loaded, messages: [...loaded.messages, ...page.messages], after: page.more },
    );
  };
  return (
    <div className="list-frame">
      <div className="list" ref={list} tabIndex={0} role="region" aria-label="Earlier messages">
        <div className="list-content">
          {failure !== undefined && <p role="alert">{failure}</p>}
          {loaded?.before === true && (
            <button className="plain center" onClick={() => void more("before").catch(fail)}>
              Earlier messages
            </button>
          )}
          <Messages chat={chat} view={view} messages={shown} highlighted={seq} onIntent={onIntent} onImage={onImage} />
          {loaded?.after === true && (
            <button className="plain center" onClick={() => void more("after").catch(fail)}>
              Later messages
            </button>
          )}
        </div>
      </div>
      <button className="jump wide" onClick={() => select(chat.id)}>
        To the newest messages ↓
      </button>
    </div>
  );
}

function asShown(message: Message, me: string | undefined): ChatMessage {
  return { ...message, key: message.message_id, mine: message.sender_id === me };
}
