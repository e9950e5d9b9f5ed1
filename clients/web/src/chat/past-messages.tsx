import { type ChatMessage, type Conversation, type ConversationHandle, type Message } from "@palaver/client";
import { useClient, useMe, useMessages } from "@palaver/client/react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { failureText } from "../common/requests";
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
export function PastMessages({ chat, view, seq, act, ...actions }: Props): ReactNode {
  const { api } = useClient();
  const me = useMe();
  const { select } = useSelection();
  const list = useRef<HTMLDivElement>(null);
  const [loaded, setLoaded] = useState<Loaded>();
  const [failure, setFailure] = useState<string>();
  const fail = (error: unknown): void => setFailure(failureText(error));

  useEffect(() => {
    api.messages
      .around(chat.id, seq)
      .then(
        ({ messages, more_before, more_after }) => setLoaded({ messages, before: more_before, after: more_after }),
        fail,
      );
  }, [api, chat, seq]);
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
    row?.scrollIntoView({ block: "center" });
    // Whoever has asked for it in the chat goes on from there; in a list of hits they may want the next one.
    const asking = document.activeElement;
    if (asking === document.body || asking?.closest(".chat") !== null) row?.focus({ preventScroll: true });
  }, [loaded === undefined, seq]);

  // The newest ones change by themselves.
  const { messages: newest } = useMessages(chat.id);
  const shown = useMemo(() => {
    const current = new Map(newest.map((message) => [message.seq, message]));
    return (loaded?.messages ?? []).map((message) => current.get(message.seq) ?? asShown(message, me?.user_id));
  }, [loaded, newest, me]);
  const reload = async (seq: number): Promise<void> => {
    const { messages } = await api.messages.history(chat.id, { after_seq: seq - 1, limit: 1 });
    setLoaded(
      (loaded) =>
        loaded && {
          ...loaded,
          messages: loaded.messages.map((old) => messages.find((one) => one.seq === old.seq) ?? old),
        },
    );
  };
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
          <Messages
            chat={chat}
            view={view}
            messages={shown}
            highlighted={seq}
            act={(request, about) => act(about === undefined ? request : request.then(() => reload(about)))}
            {...actions}
          />
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
