import { PalaverError, type Conversation, type SearchHit } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import { briefly } from "../common/times";
import { useNames, useTitle } from "../people/names";
import { ConversationEntry } from "./conversation-entry";
import { FoundPeople } from "./found-people";

/** The user has paused: rule 34 of the client guide. */
const PAUSE_MS = 300;

/** Conversations whose titles match, people whose names do, and messages. */
export function SearchResults({
  words,
  conversations,
  selected,
  onSelect,
  onOptions,
}: {
  readonly words: string;
  readonly conversations: readonly Conversation[];
  readonly selected: string | undefined;
  readonly onSelect: (id: string, seq?: number) => void;
  readonly onOptions: (id: string) => void;
}): ReactNode {
  const { hits, more, status } = useSearch(words);
  return (
    <div className="results" aria-live="polite">
      <ul className="conversations">
        {conversations.map((view) => (
          <Matching key={view.conversation_id} view={view} words={words}>
            <ConversationEntry
              view={view}
              selected={view.conversation_id === selected}
              onSelect={onSelect}
              onOptions={onOptions}
            />
          </Matching>
        ))}
      </ul>
      <FoundPeople words={words} conversations={conversations} onSelect={onSelect} />
      {status !== "off" && <h2 className="caption">Messages</h2>}
      <ul className="hits">
        {hits.map((hit) => {
          const { conversation_id, seq } = hit.message;
          const view = conversations.find((one) => one.conversation_id === conversation_id);
          return (
            <Hit
              key={`${conversation_id}/${seq}`}
              hit={hit}
              view={view}
              onSelect={() => onSelect(conversation_id, seq)}
            />
          );
        })}
      </ul>
      {status === "searching" && <p className="hint">Searching…</p>}
      {status === "done" && hits.length === 0 && <p className="hint">No messages found.</p>}
      {status === "failed" && <p className="hint">The search does not work at the moment.</p>}
      {more !== undefined && (
        <button className="plain" onClick={more}>
          More
        </button>
      )}
    </div>
  );
}

type Status = "searching" | "done" | "off" | "failed";

function useSearch(words: string): { hits: readonly SearchHit[]; more: (() => void) | undefined; status: Status } {
  const client = useClient();
  const [{ hits, cursor, status }, setFound] = useState<{
    hits: readonly SearchHit[];
    cursor: string | null;
    status: Status;
  }>({
    hits: [],
    cursor: null,
    status: "searching",
  });
  const q = words.trim();
  useEffect(() => {
    const aborter = new AbortController();
    setFound((found) => ({ ...found, status: "searching" }));
    const timer = setTimeout(() => {
      client.api.messages.search({ q }, aborter.signal).then(
        ({ entries, cursor }) => setFound({ hits: entries, cursor, status: "done" }),
        (error: unknown) => {
          if (aborter.signal.aborted) return;
          const isOff = error instanceof PalaverError && error.code === "search_off";
          setFound({ hits: [], cursor: null, status: isOff ? "off" : "failed" });
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [client, q]);
  const more = (): void => {
    if (cursor === null) return;
    client.api.messages.search({ q, cursor }).then(
      (page) => setFound({ hits: [...hits, ...page.entries], cursor: page.cursor, status: "done" }),
      () => setFound({ hits, cursor: null, status: "failed" }),
    );
  };
  return { hits, more: cursor === null ? undefined : more, status };
}

function Matching({
  view,
  words,
  children,
}: {
  readonly view: Conversation;
  readonly words: string;
  readonly children: ReactNode;
}): ReactNode {
  const title = useTitle(view);
  return title.toLocaleLowerCase().includes(words.trim().toLocaleLowerCase()) ? children : null;
}

function Hit({
  hit,
  view,
  onSelect,
}: {
  readonly hit: SearchHit;
  readonly view: Conversation | undefined;
  readonly onSelect: () => void;
}): ReactNode {
  const name = useNames([hit.message.sender_id]);
  return (
    <li>
      <button className="hit" onClick={onSelect}>
        <span className="hit-title">
          {name(hit.message.sender_id)}
          {view !== undefined && <HitTitle view={view} />}
        </span>
        <time dateTime={hit.message.sent_at}>{briefly(hit.message.sent_at)}</time>
        <span className="last">
          {hit.message.kind === "text" && <Highlighted text={hit.message.text} parts={hit.highlights ?? []} />}
        </span>
      </button>
    </li>
  );
}

function HitTitle({ view }: { readonly view: Conversation }): ReactNode {
  const title = useTitle(view);
  return view.type === "private" ? null : <span className="hint"> in {title}</span>;
}

/** Highlights count code points, not UTF-16 units. */
function Highlighted({
  text,
  parts,
}: {
  readonly text: string;
  readonly parts: readonly (readonly [number, number])[];
}): ReactNode {
  const points = Array.from(text);
  const pieces: ReactNode[] = [];
  let from = 0;
  for (const [start, end] of parts) {
    pieces.push(points.slice(from, start).join(""), <mark key={start}>{points.slice(start, end).join("")}</mark>);
    from = end;
  }
  return [...pieces, points.slice(from).join("")];
}
