import { useConnection, useConversationView } from "@palaver/client/react";
import { useState, type ReactNode } from "react";
import { Chat } from "./chat/chat";
import { useSelection } from "./selection";
import { Sidebar } from "./sidebar/sidebar";

/** The list of conversations and the one that is selected; one of both on a phone. */
export function Workspace({ onSignOut }: { readonly onSignOut: () => void }): ReactNode {
  const { id, seq, select } = useSelection();
  return (
    <main className="workspace" data-showing={id === undefined ? "list" : "chat"}>
      <h1 className="unseen">Palaver</h1>
      <Sidebar selected={id} onSelect={select} onSignOut={onSignOut} />
      <div className="stage">
        <ConnectionNotice />
        {id === undefined ? <Welcome /> : <SelectedChat key={id} id={id} seq={seq} onClose={() => select(undefined)} />}
      </div>
    </main>
  );
}

function SelectedChat(props: {
  readonly id: string;
  readonly seq: number | undefined;
  readonly onClose: () => void;
}): ReactNode {
  const view = useConversationView(props.id);
  return view === undefined ? (
    <p className="notice">Loading…</p>
  ) : (
    <Chat view={view} seq={props.seq} onClose={props.onClose} />
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

/** Says that the client is not connected, once that lasts. */
function ConnectionNotice(): ReactNode {
  const { status, refusal } = useConnection();
  const [now] = useState(() => ({ wasOnline: false }));
  if (status === "online") now.wasOnline = true;
  if (status === "stopped" && refusal !== undefined) {
    return (
      <p className="connection" role="alert">
        {refusal === "user_deleted" ? "This account was deleted." : "The server does not accept this sign-in."}
      </p>
    );
  }
  if (status === "online" || !now.wasOnline) return null;
  return (
    <p className="connection" role="status">
      Connecting… Messages that you write are sent later.
    </p>
  );
}
