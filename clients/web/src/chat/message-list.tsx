import type { Conversation, ConversationHandle } from "@palaver/client";
import { useMessages } from "@palaver/client/react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { Messages, type MessageActions } from "./messages";

/** Pixels from the end within which the list follows new messages. */
const NEAR_END = 80;

/** Pixels from the beginning at which earlier messages are loaded. */
const NEAR_BEGINNING = 800;

interface Props extends MessageActions {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
}

/** The newest messages, and earlier ones as far as the user scrolls up. */
export function MessageList({ chat, view, onIntent, onImage }: Props): ReactNode {
  const { messages, hasOlder, loadingOlder } = useMessages(chat.id);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const anchor = useRef<{ key: string | undefined; fromEnd: number }>({ key: undefined, fromEnd: 0 });
  const [showsJump, setShowsJump] = useState(false);
  const [unreadFrom] = useState(() => (view.unread > 0 ? view.read_seq : undefined));

  // New messages at the end are followed; earlier ones above leave what is read where it is.
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    const first = messages[0]?.key;
    if (atEnd.current) element.scrollTop = element.scrollHeight;
    else if (first !== anchor.current.key) element.scrollTop = element.scrollHeight - anchor.current.fromEnd;
    anchor.current = { key: first, fromEnd: element.scrollHeight - element.scrollTop };
  }, [messages]);

  // Images and a growing composer move the end.
  useEffect(() => {
    const element = list.current;
    if (element?.firstElementChild === null || element === null) return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);

  const loadIfNeeded = useCallback(() => {
    const element = list.current;
    if (element === null || !hasOlder || loadingOlder || element.scrollTop > NEAR_BEGINNING) return;
    // Offline there is nothing to load; the next scroll tries again.
    chat.loadOlder().catch(() => undefined);
  }, [chat, hasOlder, loadingOlder]);
  useEffect(loadIfNeeded, [loadIfNeeded, messages]);

  const markRead = useCallback(() => {
    if (atEnd.current && document.visibilityState === "visible" && document.hasFocus()) chat.read();
  }, [chat]);
  useEffect(() => {
    markRead();
    window.addEventListener("focus", markRead);
    return () => window.removeEventListener("focus", markRead);
  }, [markRead, messages]);

  const onScroll = (): void => {
    const element = list.current;
    if (element === null) return;
    const fromEnd = element.scrollHeight - element.scrollTop;
    atEnd.current = fromEnd - element.clientHeight < NEAR_END;
    anchor.current = { key: messages[0]?.key, fromEnd };
    setShowsJump(!atEnd.current);
    loadIfNeeded();
    markRead();
  };

  return (
    <div className="list-frame">
      <div className="list" ref={list} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages">
        <div className="list-content">
          {hasOlder ? (
            <p className="hint center">{loadingOlder ? "Loading…" : " "}</p>
          ) : (
            <p className="hint center">The beginning</p>
          )}
          <Messages
            chat={chat}
            view={view}
            messages={messages}
            unreadFrom={unreadFrom}
            onIntent={onIntent}
            onImage={onImage}
          />
        </div>
      </div>
      {showsJump && (
        <button
          className="jump"
          aria-label="To the newest message"
          onClick={() => {
            list.current?.scrollTo({ top: list.current.scrollHeight, behavior: "smooth" });
          }}
        >
          ↓{view.unread > 0 && <span className="badge">{view.unread >= 100 ? "99+" : view.unread}</span>}
        </button>
      )}
    </div>
  );
}
