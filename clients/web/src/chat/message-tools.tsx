import type { ChatMessage, Conversation, ConversationHandle } from "@palaver/client";
import { useRef, useState, type MouseEvent, type ReactNode } from "react";
import { Confirm } from "../common/confirm";
import type { MessageActions } from "./messages";
import { mayPin } from "./pinned-bar";

const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];

interface Props extends Pick<MessageActions, "act" | "onIntent"> {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly message: ChatMessage;
  readonly seq: number;
  readonly onInfo: () => void;
}

/** What can be done with a message. Shown for the message that is pointed at or has the focus. */
export function MessageTools({ chat, view, message, seq, act, onIntent, onInfo }: Props): ReactNode {
  const [open, setOpen] = useState<"above" | "below">();
  const [deleting, setDeleting] = useState(false);
  const toggle = useRef<HTMLButtonElement>(null);
  const mayDelete = message.mine || (view.type !== "private" && (view.role === "owner" || view.role === "admin"));
  const isPinned = view.pinned_seqs?.includes(seq) ?? false;
  const text = message.kind === "text" ? message.text : "";
  const close = (): void => {
    setOpen(undefined);
    toggle.current?.focus();
  };
  const then = (act: () => void) => () => {
    close();
    act();
  };
  const onToggle = ({ currentTarget }: MouseEvent): void => {
    const isHigh = currentTarget.getBoundingClientRect().top < window.innerHeight / 2;
    setOpen(open !== undefined ? undefined : isHigh ? "below" : "above");
  };
  return (
    <div
      className="tools"
      data-open={open}
      onBlur={({ currentTarget, relatedTarget }) => currentTarget.contains(relatedTarget) || setOpen(undefined)}
      onKeyDown={(event) => {
        if (event.key === "Escape" && open !== undefined) close();
      }}
    >
      <button ref={toggle} className="icon" aria-label="Actions" aria-expanded={open !== undefined} onClick={onToggle}>
        ⋯
      </button>
      {open !== undefined && (
        <div className="tool-menu">
          <div className="quick">
            {QUICK.map((emoji) => (
              <button
                key={emoji}
                aria-label={`React with ${emoji}`}
                onClick={then(() => {
                  const mine = message.reactions?.some((one) => one.emoji === emoji && one.mine) ?? false;
                  act(chat.react(seq, emoji, !mine), seq);
                })}
              >
                {emoji}
              </button>
            ))}
          </div>
          <button onClick={then(() => onIntent({ kind: "reply", message }))}>Reply</button>
          {text !== "" && <button onClick={then(() => act(navigator.clipboard.writeText(text)))}>Copy</button>}
          {mayPin(view) && (
            <button onClick={then(() => act(chat.pin(seq, !isPinned)))}>{isPinned ? "Unpin" : "Pin"}</button>
          )}
          {message.mine && <button onClick={then(() => onIntent({ kind: "edit", message }))}>Edit</button>}
          {message.mine && <button onClick={then(onInfo)}>Who has read it</button>}
          {mayDelete && (
            <button className="danger" onClick={then(() => setDeleting(true))}>
              Delete for everybody
            </button>
          )}
        </div>
      )}
      {deleting && (
        <Confirm
          question="Delete this message for everybody?"
          action="Delete"
          onConfirm={() => act(chat.delete(seq), seq)}
          onClose={() => setDeleting(false)}
        />
      )}
    </div>
  );
}
