import type { Conversation } from "@palaver/client";
import { useClient, useMe } from "@palaver/client/react";
import type { ReactNode } from "react";
import { useRequests } from "../common/requests";
import { PersonAvatar } from "../people/avatar";
import { usePersonSearch } from "../people/person-search";

/** People whose names match, and with whom there is no conversation of two yet. */
export function FoundPeople({
  words,
  conversations,
  onSelect,
}: {
  readonly words: string;
  readonly conversations: readonly Conversation[];
  readonly onSelect: (id: string) => void;
}): ReactNode {
  const client = useClient();
  const me = useMe();
  const { act, failure } = useRequests();
  const { people } = usePersonSearch(words);
  const known = new Set(conversations.map(({ peer_id }) => peer_id));
  const others = people.filter(({ user_id }) => user_id !== me?.user_id && !known.has(user_id));
  if (others.length === 0) return null;
  return (
    <>
      <h2 className="caption">People</h2>
      {failure !== undefined && <p role="alert">{failure}</p>}
      <ul className="people">
        {others.map(({ user_id, display_name }) => (
          <li key={user_id}>
            <button
              className="person"
              aria-label={`Write to ${display_name}`}
              onClick={() => act(client.withUser(user_id).then(({ id }) => onSelect(id)))}
            >
              <PersonAvatar id={user_id} name={display_name} size={36} />
              <span>{display_name}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
