import type { ChatMessage, Conversation, ConversationHandle } from "@palaver/client";
import { useMe } from "@palaver/client/react";
import { Fragment, useMemo, type ReactNode } from "react";
import { dayOf, isSameDay } from "../common/times";
import { useNames } from "../people/names";
import type { ShownAttachment } from "./attachments";
import type { Intent } from "./chat";
import { describe, namedIn } from "./describe";
import { MessageRow } from "./message-row";

/** Messages of one sender within this time belong together. */
const TOGETHER_MS = 300_000;

/** What messages ask of the chat around them. */
export interface MessageActions {
  readonly onIntent: (intent: Intent) => void;
  readonly onImage: (image: ShownAttachment) => void;
}

interface Props extends MessageActions {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly messages: readonly ChatMessage[];
  /** The seq after which messages are new to the user. */
  readonly unreadFrom?: number | undefined;
  readonly highlighted?: number;
}

/** Messages with the days between them. */
export function Messages({ chat, view, messages, unreadFrom, highlighted, onIntent, onImage }: Props): ReactNode {
  const me = useMe();
  const ids = useMemo(() => [...new Set(messages.flatMap(namedIn))], [messages]);
  const name = useNames(ids);
  const bySeq = useMemo(
    () => new Map(messages.flatMap((message) => (message.seq === undefined ? [] : [[message.seq, message] as const]))),
    [messages],
  );
  const firstUnread =
    unreadFrom === undefined
      ? undefined
      : messages.find(({ seq, kind, mine }) => seq !== undefined && seq > unreadFrom && kind === "text" && !mine)?.key;
  return (
    <ol className="messages">
      {messages.map((message, index) => {
        const before = messages[index - 1];
        const isNewDay = before === undefined || !isSameDay(before.sent_at, message.sent_at);
        const isText = message.kind === "text" || message.kind === "deleted";
        const words = isText ? "" : describe(message, name);
        return (
          <Fragment key={message.key}>
            {isNewDay && <li className="day">{dayOf(message.sent_at)}</li>}
            {message.key === firstUnread && <li className="unread-line">New</li>}
            {isText ? (
              <MessageRow
                chat={chat}
                view={view}
                message={message}
                me={me?.user_id}
                name={name}
                continues={!isNewDay && message.key !== firstUnread && belongsTo(message, before)}
                answered={
                  message.kind === "text" && message.reply_to_seq !== undefined
                    ? (bySeq.get(message.reply_to_seq) ?? null)
                    : undefined
                }
                highlighted={message.seq !== undefined && message.seq === highlighted}
                onIntent={onIntent}
                onImage={onImage}
              />
            ) : (
              words !== "" && <li className="system">{words}</li>
            )}
          </Fragment>
        );
      })}
    </ol>
  );
}

function belongsTo(message: ChatMessage, before: ChatMessage): boolean {
  const isText = before.kind === "text" || before.kind === "deleted";
  return (
    isText &&
    before.sender_id === message.sender_id &&
    Date.parse(message.sent_at) - Date.parse(before.sent_at) < TOGETHER_MS
  );
}
