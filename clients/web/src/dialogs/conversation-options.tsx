import type { Conversation } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import type { ReactNode } from "react";
import { Dialog } from "../common/dialog";
import { useRequests } from "../common/requests";
import { useTitle } from "../people/names";
import { ConversationSettings } from "./conversation-settings";

/** The settings of a conversation of the list. */
export function ConversationOptions({
  view,
  onUnread,
  onClose,
}: {
  readonly view: Conversation;
  readonly onUnread: () => void;
  readonly onClose: () => void;
}): ReactNode {
  const client = useClient();
  const title = useTitle(view);
  const { act, failure } = useRequests();
  return (
    <Dialog title={`Options of ${title}`} onClose={onClose}>
      {failure !== undefined && <p role="alert">{failure}</p>}
      <ConversationSettings
        chat={client.conversation(view.conversation_id)}
        view={view}
        act={act}
        onMoved={onClose}
        onUnread={() => {
          onClose();
          onUnread();
        }}
      />
    </Dialog>
  );
}
