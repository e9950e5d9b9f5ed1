import type { Conversation } from "@palaver/client";
import { useClient, useConversations, useMe } from "@palaver/client/react";
import { useState, type ReactNode } from "react";
import { NewChat } from "../dialogs/new-chat";
import { Avatar } from "../people/avatar";
import { ConversationEntry } from "./conversation-entry";
import { SearchResults } from "./search-results";

/** The list of conversations, and the search. */
export function Sidebar({
  selected,
  onSelect,
  onSignOut,
}: {
  readonly selected: string | undefined;
  readonly onSelect: (id: string, seq?: number) => void;
  readonly onSignOut: () => void;
}): ReactNode {
  const conversations = useConversations();
  const [words, setWords] = useState("");
  const [isNew, setNew] = useState(false);
  const current = conversations.filter(isCurrent);
  return (
    <nav className="sidebar" aria-label="Conversations">
      <Me onSignOut={onSignOut} />
      <div className="search">
        <input
          type="search"
          placeholder="Search"
          aria-label="Search conversations and messages"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <button className="primary" onClick={() => setNew(true)}>
          New
        </button>
      </div>
      {words.trim() === "" ? (
        <ul className="conversations">
          {current.map((view) => (
            <ConversationEntry
              key={view.conversation_id}
              view={view}
              selected={view.conversation_id === selected}
              onSelect={onSelect}
            />
          ))}
          {current.length === 0 && <li className="hint">No conversations yet. “New” begins one.</li>}
        </ul>
      ) : (
        <SearchResults words={words} conversations={current} selected={selected} onSelect={onSelect} />
      )}
      {isNew && (
        <NewChat
          onClose={() => setNew(false)}
          onOpen={(id) => {
            setNew(false);
            onSelect(id);
          }}
        />
      )}
    </nav>
  );
}

function Me({ onSignOut }: { readonly onSignOut: () => void }): ReactNode {
  const me = useMe();
  const client = useClient();
  const rename = (): void => {
    const name = window.prompt("Your name", me?.display_name);
    if (name !== null && name.trim() !== "") void client.setProfile(name);
  };
  return (
    <header className="me">
      {me !== undefined && <Avatar id={me.user_id} name={me.display_name} size={36} />}
      <button className="plain name" title={`Change your name. Your id: ${me?.user_id ?? "…"}`} onClick={rename}>
        {me?.display_name ?? "…"}
      </button>
      <button className="plain" onClick={onSignOut}>
        Sign out
      </button>
    </header>
  );
}

/** Past conversations are shown no more, except those that were just left and are still read. */
function isCurrent(view: Conversation): boolean {
  return view.role !== null;
}
