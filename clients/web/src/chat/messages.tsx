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
  /** Shows a message in its place. */
  readonly onOpen: (seq: number) => void;
  /** Watches over a request, which is about a message. */
  readonly act: (request: Promise<unknown>, seq?: number) => void;
}

interface Props extends MessageActions {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly messages: readonly ChatMessage[];
  /** All that are loaded, by rising seqs, in which answered messages are found. */
  readonly all?: readonly ChatMessage[];
  /** The key of the first message that is new to the user. */
  readonly firstUnread?: string | undefined;
  readonly highlighted?: number;
}

/** Messages with the days between them, and the day of the first one: what is before it changes nothing here. */
export function Messages(props: Props): ReactNode {
  const { chat, view, messages, all = messages, firstUnread, highlighted, act, onIntent, onImage, onOpen } = props;
  const me = useMe();
  const ids = useMemo(() => [...new Set(messages.flatMap(namedIn))], [messages]);
  const name = useNames(ids);
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
                    ? find(all, message.reply_to_seq)
                    : undefined
                }
                highlighted={message.seq !== undefined && message.seq === highlighted}
                act={act}
                onIntent={onIntent}
                onImage={onImage}
                onOpen={onOpen}
              />
            ) : (
              words !== "" && (
                <li className="system">
                  {message.kind === "pins_changed" && message.on ? (
                    <button className="plain" onClick={() => onOpen(message.message_seq)}>
                      {words}
                    </button>
                  ) : (
                    words
                  )}
                </li>
              )
            )}
          </Fragment>
        );
      })}
    </ol>
  );
}

/** Finds a message of the log; `null` where it is not loaded. */
function find(messages: readonly ChatMessage[], seq: number): ChatMessage | null {
  let [from, to] = [0, messages.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    // Those that wait to be sent are at the end.
    if ((messages[middle]?.seq ?? Infinity) < seq) from = middle + 1;
    else to = middle;
  }
  const found = messages[from];
  return found?.seq === seq ? found : null;
}

function belongsTo(message: ChatMessage, before: ChatMessage): boolean {
  const isText = before.kind === "text" || before.kind === "deleted";
  return (
    isText &&
    before.sender_id === message.sender_id &&
    Date.parse(message.sent_at) - Date.parse(before.sent_at) < TOGETHER_MS
  );
}
