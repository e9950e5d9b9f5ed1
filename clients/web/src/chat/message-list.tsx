import type { Conversation, ConversationHandle } from "@palaver/client";
import { useMessages } from "@palaver/client/react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useMessageWindow } from "./message-window";
import { Messages, type MessageActions } from "./messages";

/** Pixels from the end within which the list follows new messages. */
const NEAR_END = 80;

/** Pixels from an edge of the rows at which further messages get theirs, or are loaded. */
const NEAR_EDGE = 800;

/** Pixels from the top at which the line before unread messages is shown. */
const UNREAD_LINE_TOP = 12;

/** Rows that stay as long as their message has one: a new message before them may take the day from them. */
const ROWS = ".messages > .message, .messages > .system";

/** Messages of a page of history. */
const PAGE = 100;

/** A row that is seen, and its distance from the top: it stays there while rows come and go. */
interface Anchor {
  readonly row: Element;
  readonly top: number;
  /** The position at which this was so. */
  readonly scrollTop: number;
}

interface Props extends MessageActions {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
}

/** The newest messages, and earlier ones as far as the user scrolls up. */
export function MessageList({ chat, view, ...actions }: Props): ReactNode {
  const { messages, hasOlder, loadingOlder } = useMessages(chat.id);
  const { start, end, move, hold, follow } = useMessageWindow(messages);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const anchor = useRef<Anchor>(undefined);
  const [showsJump, setShowsJump] = useState(false);
  const [unreadFrom, setUnreadFrom] = useState(() => (view.unread > 0 ? view.read_seq : undefined));
  const seeksUnread = useRef(unreadFrom !== undefined);
  const shown = useMemo(() => messages.slice(start, end), [messages, start, end]);
  const newest = messages.at(-1);
  const isNewest = end === messages.length;

  const keepPlace = useCallback(() => {
    const element = list.current;
    if (element === null) return;
    if (atEnd.current) element.scrollTop = element.scrollHeight;
    else if (anchor.current?.row.isConnected === true) element.scrollTop += moved(anchor.current, element);
    anchor.current = firstSeen(element);
  }, []);
  useLayoutEffect(keepPlace, [keepPlace, shown]);

  // Whoever has much to read begins where they have stopped.
  useLayoutEffect(() => {
    const element = list.current;
    const line = element?.querySelector(".unread-line");
    // What is loaded may not reach back to it.
    const isLoaded = !hasOlder || messages.some(({ seq }) => seq !== undefined && seq <= (unreadFrom ?? 0));
    if (!seeksUnread.current || !element || !line || !isLoaded) return;
    seeksUnread.current = false;
    if (distance(line, element) >= 0) return;
    element.scrollTop += distance(line, element) - UNREAD_LINE_TOP;
    atEnd.current = false;
    anchor.current = firstSeen(element);
    hold();
    setShowsJump(true);
  }, [shown]);

  // What comes while the user is elsewhere is new to them when they are back.
  const newestSeq = newest?.seq;
  useEffect(() => {
    const away = (): void => {
      if (atEnd.current) setUnreadFrom(newestSeq);
    };
    window.addEventListener("blur", away);
    return () => window.removeEventListener("blur", away);
  }, [newestSeq]);

  // Images and a growing composer move the rows.
  useEffect(() => {
    const element = list.current;
    if (element?.firstElementChild === null || element === null) return;
    const observer = new ResizeObserver(keepPlace);
    observer.observe(element);
    observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, [keepPlace]);

  const extend = (): void => {
    const element = list.current;
    if (element === null) return;
    if (element.scrollTop <= NEAR_EDGE) {
      if (start > 0) move("up");
      // Offline there is nothing to load; the next scroll tries again.
      else if (hasOlder && !loadingOlder) chat.loadOlder(PAGE).catch(() => undefined);
    } else if (!isNewest && fromEnd(element) <= NEAR_EDGE) move("down");
  };
  useEffect(extend, [messages, start, end, hasOlder, loadingOlder]);

  const toEnd = (): void => {
    atEnd.current = true;
    follow();
    setShowsJump(false);
    keepPlace();
  };
  // Whoever writes sees what they have written.
  const written = newest?.mine === true && newest.seq === undefined ? newest.key : undefined;
  useLayoutEffect(() => {
    if (written !== undefined) toEnd();
  }, [written]);

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
    atEnd.current = isNewest && fromEnd(element) < NEAR_END;
    anchor.current = firstSeen(element);
    setShowsJump(!atEnd.current);
    if (atEnd.current) follow();
    else hold();
    extend();
    markRead();
  };

  const firstUnread = useMemo(
    () =>
      unreadFrom === undefined
        ? undefined
        : messages.find(({ seq, kind, mine }) => seq !== undefined && seq > unreadFrom && kind === "text" && !mine)
            ?.key,
    [messages, unreadFrom],
  );
  return (
    <div className="list-frame">
      <div className="list" ref={list} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages">
        <div className="list-content">
          {hasOlder || start > 0 ? (
            <p className="hint center">{loadingOlder ? "Loading…" : "\u00a0"}</p>
          ) : (
            <p className="hint center">The beginning</p>
          )}
          <Messages chat={chat} view={view} messages={shown} all={messages} firstUnread={firstUnread} {...actions} />
        </div>
      </div>
      {showsJump && (
        <button className="jump" aria-label="To the newest message" onClick={toEnd}>
          ↓{view.unread > 0 && <span className="badge">{view.unread >= 100 ? "99+" : view.unread}</span>}
        </button>
      )}
    </div>
  );
}

/** Pixels below what is seen. */
function fromEnd(element: Element): number {
  return element.scrollHeight - element.scrollTop - element.clientHeight;
}

function distance(row: Element, list: Element): number {
  return row.getBoundingClientRect().top - list.getBoundingClientRect().top;
}

/** Pixels by which rows above it have moved a row that is seen. */
function moved({ row, top, scrollTop }: Anchor, list: Element): number {
  const farthest = list.scrollHeight - list.clientHeight;
  // The user may have scrolled since; the browser itself scrolls only where less is left to scroll.
  const scrolled = scrollTop > farthest ? 0 : list.scrollTop - scrollTop;
  return distance(row, list) - (top - scrolled);
}

function firstSeen(list: Element): Anchor | undefined {
  for (const row of list.querySelectorAll(ROWS)) {
    const top = distance(row, list);
    if (top + row.clientHeight > 0) return { row, top, scrollTop: list.scrollTop };
  }
  return undefined;
}
