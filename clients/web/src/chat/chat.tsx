import type { ChatMessage, Conversation } from "@palaver/client";
import { useConversation } from "@palaver/client/react";
import { useCallback, useRef, useState, type ReactNode } from "react";
import { useRequests } from "../common/requests";
import { ChatDetails } from "../dialogs/chat-details";
import { useSelection } from "../selection";
import { ChatHeader } from "./chat-header";
import { Composer } from "./composer";
import { Lightbox } from "./lightbox";
import { MessageList } from "./message-list";
import { PastMessages } from "./past-messages";
import { PinnedBar } from "./pinned-bar";
import type { ShownAttachment } from "./attachments";
import { useUploads } from "./uploads";

/** What the composer does beside writing a new message. */
export type Intent = { readonly kind: "reply" | "edit"; readonly message: ChatMessage } | undefined;

/** One conversation: its header, messages and composer. `seq` is a message to show in its place. */
export function Chat({
  view,
  seq,
  onClose,
}: {
  readonly view: Conversation;
  readonly seq: number | undefined;
  readonly onClose: () => void;
}): ReactNode {
  const chat = useConversation(view.conversation_id);
  const { select } = useSelection();
  const [intent, setIntent] = useState<Intent>();
  const [details, setDetails] = useState(false);
  const [image, setImage] = useState<ShownAttachment>();
  /** Shows a message anew that is shown already: the user may have scrolled away. */
  const [turn, setTurn] = useState(0);
  const { act, failure, dismiss } = useRequests();
  const uploads = useUploads(chat);
  const [dragging, setDragging] = useState(false);
  const depth = useRef(0);
  const open = useCallback(
    (seq: number) => {
      setTurn((turn) => turn + 1);
      select(chat.id, seq);
    },
    [select, chat],
  );
  const actions = { act, onIntent: setIntent, onImage: setImage, onOpen: open };
  return (
    <section
      className="chat"
      data-dragging={dragging}
      onDragEnter={() => setDragging((depth.current += 1) > 0)}
      onDragLeave={() => setDragging((depth.current -= 1) > 0)}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        depth.current = 0;
        setDragging(false);
        uploads.add(event.dataTransfer.files);
      }}
    >
      <ChatHeader view={view} onClose={onClose} onDetails={() => setDetails(true)} />
      <PinnedBar chat={chat} view={view} onOpen={open} />
      {seq === undefined ? (
        <MessageList chat={chat} view={view} {...actions} />
      ) : (
        <PastMessages key={`${seq}/${turn}`} chat={chat} view={view} seq={seq} {...actions} />
      )}
      {failure !== undefined && (
        <p className="chat-failure" role="alert">
          {failure}
          <button className="icon" aria-label="Dismiss" onClick={dismiss}>
            ✕
          </button>
        </p>
      )}
      <Composer
        chat={chat}
        view={view}
        intent={intent}
        uploads={uploads}
        autoFocus={seq === undefined}
        act={act}
        onDone={() => setIntent(undefined)}
        onIntent={setIntent}
      />
      {details && <ChatDetails chat={chat} view={view} onClose={() => setDetails(false)} onUnread={onClose} />}
      {image !== undefined && <Lightbox shown={image} onClose={() => setImage(undefined)} />}
      {dragging && <div className="drop">Drop files to attach them</div>}
    </section>
  );
}
