import type { ChatMessage, Conversation } from "@palaver/client";
import { useConversation } from "@palaver/client/react";
import { useRef, useState, type ReactNode } from "react";
import { ChatDetails } from "../dialogs/chat-details";
import { ChatHeader } from "./chat-header";
import { Composer } from "./composer";
import { Lightbox } from "./lightbox";
import { MessageList } from "./message-list";
import { PastMessages } from "./past-messages";
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
  const [intent, setIntent] = useState<Intent>();
  const [details, setDetails] = useState(false);
  const [image, setImage] = useState<ShownAttachment>();
  const uploads = useUploads(chat);
  const [dragging, setDragging] = useState(false);
  const depth = useRef(0);
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
      {seq === undefined ? (
        <MessageList chat={chat} view={view} onIntent={setIntent} onImage={setImage} />
      ) : (
        <PastMessages key={seq} chat={chat} view={view} seq={seq} onIntent={setIntent} onImage={setImage} />
      )}
      <Composer
        chat={chat}
        view={view}
        intent={intent}
        uploads={uploads}
        onDone={() => setIntent(undefined)}
        onIntent={setIntent}
      />
      {details && <ChatDetails chat={chat} view={view} onClose={() => setDetails(false)} onUnread={onClose} />}
      {image !== undefined && <Lightbox shown={image} onClose={() => setImage(undefined)} />}
      {dragging && <div className="drop">Drop files to attach them</div>}
    </section>
  );
}
