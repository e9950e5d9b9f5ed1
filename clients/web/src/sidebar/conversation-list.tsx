import type { Conversation } from "@palaver/client";
import type { ReactNode } from "react";
import { ArchiveIcon } from "../common/icons";
import { ConversationEntry } from "./conversation-entry";

/** The conversations, pinned ones first; or those that the user has put away. */
export function ConversationList({
  conversations,
  isArchive,
  onArchive,
  selected,
  onSelect,
  onOptions,
}: {
  /** The newest first. */
  readonly conversations: readonly Conversation[];
  readonly isArchive: boolean;
  readonly onArchive: (isArchive: boolean) => void;
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
  readonly onOptions: (id: string) => void;
}): ReactNode {
  const archived = conversations.filter(({ settings }) => settings?.archived === true);
  const others = conversations.filter(({ settings }) => settings?.archived !== true);
  // With the last one the archive goes.
  const showsArchive = isArchive && archived.length > 0;
  const shown = showsArchive ? archived : others;
  const unread = archived.filter((view) => view.unread > 0 || view.settings?.marked_unread === true).length;
  return (
    <div className="list-of-conversations">
      {archived.length > 0 && (
        <button className="archive" aria-pressed={showsArchive} onClick={() => onArchive(!showsArchive)}>
          <ArchiveIcon />
          <span>Archived</span>
          <span className="hint">{unread > 0 ? `${archived.length}, ${unread} unread` : archived.length}</span>
        </button>
      )}
      <ul className="conversations" aria-label={showsArchive ? "Archived conversations" : "Conversations"}>
        {pinnedFirst(shown).map((view) => (
          <ConversationEntry
            key={view.conversation_id}
            view={view}
            selected={view.conversation_id === selected}
            onSelect={onSelect}
            onOptions={onOptions}
          />
        ))}
        {conversations.length === 0 && <li className="hint">No conversations yet. “New” begins one.</li>}
      </ul>
    </div>
  );
}

function pinnedFirst(conversations: readonly Conversation[]): readonly Conversation[] {
  const isPinned = ({ settings }: Conversation): boolean => settings?.pinned === true;
  return [...conversations.filter(isPinned), ...conversations.filter((view) => !isPinned(view))];
}
