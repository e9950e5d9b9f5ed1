import type { Conversation } from "@palaver/client";
import { useConversations } from "@palaver/client/react";
import { useMemo, useState, type ReactNode } from "react";
import { ConversationOptions } from "../dialogs/conversation-options";
import { NewChat } from "../dialogs/new-chat";
import { ConversationList } from "./conversation-list";
import { Me } from "./me";
import { SearchResults } from "./search-results";

/** The list of conversations, and the search. */
export function Sidebar({
  selected,
  onSelect,
  onSignOut,
}: {
  readonly selected: string | undefined;
  readonly onSelect: (id: string | undefined, seq?: number) => void;
  readonly onSignOut: () => void;
}): ReactNode {
  const conversations = useConversations();
  const [words, setWords] = useState("");
  const [isNew, setNew] = useState(false);
  const [isArchive, setArchive] = useState(false);
  const [optionsOf, setOptionsOf] = useState<string>();
  const current = useMemo(() => conversations.filter(isCurrent), [conversations]);
  const withOptions = current.find((view) => view.conversation_id === optionsOf);
  return (
    <nav className="sidebar" aria-label="Conversations">
      <Me onSignOut={onSignOut} />
      <div className="search">
        <input
          type="search"
          placeholder="Search"
          aria-label="Search people, conversations and messages"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <button className="primary" onClick={() => setNew(true)}>
          New
        </button>
      </div>
      {words.trim() === "" ? (
        <ConversationList
          conversations={current}
          isArchive={isArchive}
          onArchive={setArchive}
          selected={selected}
          onSelect={onSelect}
          onOptions={setOptionsOf}
        />
      ) : (
        <SearchResults
          words={words}
          conversations={current}
          selected={selected}
          onSelect={onSelect}
          onOptions={setOptionsOf}
        />
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
      {withOptions !== undefined && (
        <ConversationOptions
          key={optionsOf}
          view={withOptions}
          onClose={() => setOptionsOf(undefined)}
          onUnread={() => {
            if (optionsOf === selected) onSelect(undefined);
          }}
        />
      )}
    </nav>
  );
}

/** Past conversations are shown no more, except those that were just left and are still read. */
function isCurrent(view: Conversation): boolean {
  return view.role !== null;
}
