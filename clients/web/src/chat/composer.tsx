import type { Attachment, Conversation, ConversationHandle } from "@palaver/client";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { ClipIcon, SendIcon } from "../common/icons";
import { useNames } from "../people/names";
import type { Intent } from "./chat";
import { describe } from "./describe";
import { draftOf, keepDraft } from "./drafts";
import { Completion, useMentions } from "./mentions";
import { UploadChips, useAttachments } from "./upload-chips";
import type { Uploads } from "./uploads";

/** Bytes of a text. */
const MAX_TEXT_BYTES = 8_192;

interface Props {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly intent: Intent;
  readonly uploads: Uploads;
  /** Takes the focus when the conversation is opened. */
  readonly autoFocus: boolean;
  readonly act: (request: Promise<unknown>) => void;
  readonly onDone: () => void;
  readonly onIntent: (intent: Intent) => void;
}

/** Writes messages. What is not sent stays as a draft. */
export function Composer({ chat, view, intent, uploads, autoFocus, act, onDone, onIntent }: Props): ReactNode {
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [text, setText] = useDraft(chat.id, intent);
  const attachments = useAttachments(uploads.list);
  const edited = intent?.kind === "edit" && intent.message.kind === "text" ? intent.message : undefined;
  const mentions = useMentions(chat, view, field, text, setText, edited?.mentions ?? []);
  const name = useNames(intent === undefined ? [] : [intent.message.sender_id]);

  useEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  useEffect(() => {
    if (intent !== undefined) field.current?.focus();
  }, [intent]);
  useEffect(() => {
    // On a phone it would open the keyboard.
    if (autoFocus && window.matchMedia("(hover: hover)").matches) field.current?.focus();
  }, []);

  const reason = whyNot(view);
  if (reason !== undefined) return <p className="composer closed">{reason}</p>;

  const isTooLong = new TextEncoder().encode(text).length > MAX_TEXT_BYTES;
  const isReady = !isTooLong && attachments !== undefined && (text.trim() !== "" || attachments.length > 0);
  const send = (): void => {
    if (!isReady) return;
    const mentioned = mentions.idsIn(text);
    if (intent?.kind === "edit" && intent.message.seq !== undefined) {
      chat.typed(false);
      // Without `custom`: what an app has added stays.
      act(chat.edit(intent.message.seq, text, mentioned).then(onDone));
      return;
    }
    chat.send(messageOf(text, intent, mentioned, attachments));
    uploads.clear();
    setText("");
    onDone();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || mentions.onKeyDown(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && intent !== undefined) {
      onDone();
    } else if (event.key === "ArrowUp" && text === "" && intent === undefined) {
      const last = chat.timeline
        .get()
        .messages.findLast((message) => message.mine && message.kind === "text" && message.seq !== undefined);
      if (last !== undefined) onIntent({ kind: "edit", message: last });
    }
  };
  return (
    <footer className="composer">
      {intent !== undefined && (
        <div className="intent">
          <span>
            <strong>{intent.kind === "edit" ? "Edit" : `Reply to ${name(intent.message.sender_id)}`}</strong>{" "}
            {describe(intent.message, name)}
          </span>
          <button className="icon" aria-label="Do not" onClick={onDone}>
            ✕
          </button>
        </div>
      )}
      <UploadChips uploads={uploads} />
      <Completion mentions={mentions} />
      <div className="writing">
        <button
          className="icon"
          aria-label="Attach files"
          onClick={() => picker.current?.click()}
          disabled={intent?.kind === "edit"}
        >
          <ClipIcon />
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files"
          onChange={({ target }) => {
            uploads.add(target.files ?? []);
            target.value = "";
          }}
        />
        <textarea
          ref={field}
          rows={1}
          value={text}
          placeholder="Message"
          aria-label="Message"
          dir="auto"
          onChange={({ target }) => {
            setText(target.value);
            mentions.onCaret(target.selectionStart);
            chat.typed(target.value !== "");
          }}
          onSelect={({ currentTarget }) => mentions.onCaret(currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
          onPaste={({ clipboardData }) => uploads.add(clipboardData.files)}
        />
        <button
          className="icon send"
          aria-label={intent?.kind === "edit" ? "Save" : "Send"}
          disabled={!isReady}
          onClick={send}
        >
          <SendIcon />
        </button>
      </div>
      {isTooLong && <p role="alert">The text is too long.</p>}
    </footer>
  );
}

function messageOf(
  text: string,
  intent: Intent,
  mentions: readonly string[],
  attachments: readonly Attachment[],
): Parameters<ConversationHandle["send"]>[0] {
  const reply = intent?.kind === "reply" ? intent.message.seq : undefined;
  return { text, mentions, attachments, ...(reply === undefined ? {} : { reply_to_seq: reply }) };
}

/** Keeps what is written over changes of the conversation and reloads; edits are not drafts. */
function useDraft(id: string, intent: Intent): [string, (text: string) => void] {
  const [draft, setDraft] = useState(() => draftOf(id));
  const [edit, setEdit] = useState<{ key: string; text: string }>();
  if (intent?.kind === "edit" && intent.message.kind === "text") {
    const { key, text } = intent.message;
    const current = edit?.key === key ? edit.text : text;
    return [current, (text) => setEdit({ key, text })];
  }
  const change = (text: string): void => {
    setDraft(text);
    keepDraft(id, text);
  };
  return [draft, change];
}

/** The reason for which the user cannot write here. */
function whyNot({ role, closed, blocked, muted_until }: Conversation): string | undefined {
  if (role === null) return "You are not a member any more.";
  if (closed) return "This conversation is closed.";
  if (blocked === true) return "You block this person.";
  if (muted_until !== undefined && Date.parse(muted_until) > Date.now())
    return `You are muted until ${new Date(muted_until).toLocaleString()}.`;
  return undefined;
}
