import type { ChatMessage, Conversation, ConversationHandle } from "@palaver/client";
import { memo, useState, type ReactNode } from "react";
import { exactly, timeOf } from "../common/times";
import { MessageInfo } from "../dialogs/message-info";
import { PersonAvatar } from "../people/avatar";
import { Attachments } from "./attachments";
import { describe } from "./describe";
import type { MessageActions } from "./messages";
import { MessageText } from "./message-text";
import { MessageTools } from "./message-tools";
import { Ticks } from "./ticks";

interface Props extends MessageActions {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly message: ChatMessage;
  readonly me: string | undefined;
  readonly name: (id: string) => string;
  /** True if the message before has the same sender, and is not much older. */
  readonly continues: boolean;
  /** The message that this one answers; `null` if it is not loaded. */
  readonly answered: ChatMessage | null | undefined;
  readonly highlighted: boolean;
}

/** A text, or what a deletion left of it. */
export const MessageRow = memo(function MessageRow(props: Props): ReactNode {
  const { chat, view, message, me, name, continues, answered, highlighted, act, onIntent, onImage, onOpen } = props;
  const [info, setInfo] = useState(false);
  const isText = message.kind === "text";
  const isGroup = view.type !== "private";
  return (
    <li
      className="message"
      data-mine={message.mine}
      data-continues={continues}
      data-highlighted={highlighted}
      data-seq={message.seq}
      tabIndex={highlighted ? -1 : undefined}
    >
      {isGroup &&
        !message.mine &&
        (continues ? (
          <span className="avatar-space" />
        ) : (
          <PersonAvatar id={message.sender_id} name={name(message.sender_id)} size={32} />
        ))}
      <div className="bubble-line">
        <article
          className="bubble"
          aria-label={`${message.mine ? "You" : name(message.sender_id)}, ${timeOf(message.sent_at)}`}
        >
          {isGroup && !message.mine && !continues && (
            <strong className="sender">
              <bdi>{name(message.sender_id)}</bdi>
            </strong>
          )}
          {answered !== undefined && isText && (
            <blockquote>
              <button className="plain" onClick={() => onOpen(message.reply_to_seq ?? 0)}>
                {answered === null ? "An earlier message" : `${name(answered.sender_id)}: ${describe(answered, name)}`}
              </button>
            </blockquote>
          )}
          {isText ? (
            <>
              {(message.attachments?.length ?? 0) > 0 && <Attachments message={message} act={act} onImage={onImage} />}
              <MessageText text={message.text} mentions={message.mentions ?? []} me={me} name={name} />
            </>
          ) : (
            <em className="deleted">Message deleted</em>
          )}
          <span className="meta">
            {message.edited_at !== undefined && <span title={exactly(message.edited_at)}>edited</span>}
            <time dateTime={message.sent_at} title={exactly(message.sent_at)}>
              {timeOf(message.sent_at)}
            </time>
            {message.state !== undefined && <Ticks state={message.state} onClick={() => setInfo(true)} />}
          </span>
        </article>
        {isText && (message.reactions?.length ?? 0) > 0 && (
          <div className="reactions">
            {message.reactions?.map(({ emoji, count, mine }) => (
              <button
                key={emoji}
                aria-pressed={mine}
                aria-label={`${emoji}, ${count}`}
                onClick={() => message.seq !== undefined && act(chat.react(message.seq, emoji, !mine), message.seq)}
              >
                {emoji} {count}
              </button>
            ))}
          </div>
        )}
        {message.state === "failed" && <Failed chat={chat} message={message} />}
        {isText && message.seq !== undefined && view.role !== null && !view.closed && (
          <MessageTools
            chat={chat}
            view={view}
            message={message}
            seq={message.seq}
            act={act}
            onIntent={onIntent}
            onInfo={() => setInfo(true)}
          />
        )}
      </div>
      {info && message.seq !== undefined && (
        <MessageInfo chat={chat} seq={message.seq} name={name} onClose={() => setInfo(false)} />
      )}
    </li>
  );
});

function Failed({ chat, message }: { readonly chat: ConversationHandle; readonly message: ChatMessage }): ReactNode {
  return (
    <p className="failed" role="alert">
      Not sent: {message.error?.detail}{" "}
      <button className="plain" onClick={() => chat.retry(message.key)}>
        Try again
      </button>
      <button className="plain" onClick={() => chat.discard(message.key)}>
        Discard
      </button>
    </p>
  );
}
