import { useConnection, useConversations, useConversationView } from "@palaver/client/react";
import { useEffect, type ReactNode } from "react";
import { Chat } from "./chat/chat";
import { useLate } from "./common/late";
import { ConnectionNotice } from "./connection-notice";
import { isQuiet } from "./dialogs/conversation-settings";
import { useSelection } from "./selection";
import { Sidebar } from "./sidebar/sidebar";

/** The list of conversations and the one that is selected; one of both on a phone. */
export function Workspace({ onSignOut }: { readonly onSignOut: () => void }): ReactNode {
  const { id, seq, select } = useSelection();
  useUnreadInTitle();
  return (
    <main className="workspace" data-showing={id === undefined ? "list" : "chat"}>
      <h1 className="unseen">Palaver</h1>
      <ConnectionNotice />
      <Sidebar selected={id} onSelect={select} onSignOut={onSignOut} />
      <div className="stage">
        {id === undefined ? <Welcome /> : <SelectedChat key={id} id={id} seq={seq} onClose={() => select(undefined)} />}
      </div>
    </main>
  );
}

/** Counts what there is to read in the title of the window, without what the user has muted or put away. */
function useUnreadInTitle(): void {
  const counted = useConversations().filter(
    (view) => view.role !== null && view.settings?.archived !== true && !isQuiet(view),
  );
  const unread = counted.reduce((sum, view) => sum + view.unread, 0);
  const more = counted.some((view) => view.unread >= 100) ? "+" : "";
  useEffect(() => {
    document.title = unread === 0 ? "Palaver" : `(${unread}${more}) Palaver`;
    return () => {
      document.title = "Palaver";
    };
  }, [unread, more]);
}

function SelectedChat(props: {
  readonly id: string;
  readonly seq: number | undefined;
  readonly onClose: () => void;
}): ReactNode {
  const view = useConversationView(props.id);
  return view === undefined ? (
    <Unknown onClose={props.onClose} />
  ) : (
    <Chat view={view} seq={props.seq} onClose={props.onClose} />
  );
}

/** An address may be of another user, or of a conversation that is gone. */
function Unknown({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { caughtUp } = useConnection();
  const isLate = useLate();
  return (
    <div className="notice">
      <p>{caughtUp && isLate ? "You have no such conversation." : "Loading…"}</p>
      <button className="plain" onClick={onClose}>
        Back to the conversations
      </button>
    </div>
  );
}

function Welcome(): ReactNode {
  return (
    <div className="welcome">
      <img src="/icon.svg" alt="" width={72} height={72} />
      <p>Choose a conversation, or begin a new one.</p>
    </div>
  );
}
