import type { ChatMessage, Conversation, ConversationHandle } from "@palaver/client";
import { useState, type ReactNode } from "react";
import type { Intent } from "./chat";

const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];

interface Props {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly message: ChatMessage;
  readonly seq: number;
  readonly onIntent: (intent: Intent) => void;
  readonly onInfo: () => void;
}

/** What can be done with a message. Shown for the message that is pointed at or has the focus. */
export function MessageTools({ chat, view, message, seq, onIntent, onInfo }: Props): ReactNode {
  const [open, setOpen] = useState(false);
  const mayDelete = message.mine || (view.type !== "private" && (view.role === "owner" || view.role === "admin"));
  const close = (act: () => unknown) => () => {
    setOpen(false);
    act();
  };
  return (
    <div
      className="tools"
      data-open={open}
      onBlur={({ currentTarget, relatedTarget }) => currentTarget.contains(relatedTarget) || setOpen(false)}
    >
      <button className="icon" aria-label="Actions" aria-expanded={open} onClick={() => setOpen(!open)}>
        ⋯
      </button>
      {open && (
        <div className="tool-menu">
          <div className="quick">
            {QUICK.map((emoji) => (
              <button
                key={emoji}
                aria-label={`React with ${emoji}`}
                onClick={close(() => {
                  const mine = message.reactions?.some((one) => one.emoji === emoji && one.mine) ?? false;
                  return chat.react(seq, emoji, !mine).catch(() => undefined);
                })}
              >
                {emoji}
              </button>
            ))}
          </div>
          <button onClick={close(() => onIntent({ kind: "reply", message }))}>Reply</button>
          {message.kind === "text" && message.text !== "" && (
            <button onClick={close(() => navigator.clipboard.writeText(message.kind === "text" ? message.text : ""))}>
              Copy
            </button>
          )}
          {message.mine && <button onClick={close(() => onIntent({ kind: "edit", message }))}>Edit</button>}
          {message.mine && <button onClick={close(onInfo)}>Who has read it</button>}
          {mayDelete && (
            <button className="danger" onClick={close(() => chat.delete(seq).catch(() => undefined))}>
              Delete for everybody
            </button>
          )}
        </div>
      )}
    </div>
  );
}
