import type { PublicConversation } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import { Dialog } from "../common/dialog";
import { useRequests } from "../common/requests";
import type { Person } from "../people/person-search";
import { PersonPicker } from "./person-picker";

/** Begins a conversation: with a person, a group, or in a public room. */
export function NewChat({
  onClose,
  onOpen,
}: {
  readonly onClose: () => void;
  readonly onOpen: (id: string) => void;
}): ReactNode {
  const [tab, setTab] = useState<"person" | "group" | "rooms">("person");
  const { act, failure } = useRequests();
  const open: Open = (made) => act(made.then(({ id }) => onOpen(id)));
  return (
    <Dialog title="New conversation" onClose={onClose}>
      <div className="tabs" role="tablist">
        {(["person", "group", "rooms"] as const).map((one) => (
          <button key={one} role="tab" aria-selected={tab === one} onClick={() => setTab(one)}>
            {{ person: "Person", group: "Group", rooms: "Public rooms" }[one]}
          </button>
        ))}
      </div>
      {failure !== undefined && <p role="alert">{failure}</p>}
      {tab === "person" && <WithPerson open={open} />}
      {tab === "group" && <NewGroup open={open} />}
      {tab === "rooms" && <Rooms open={open} />}
    </Dialog>
  );
}

type Open = (made: Promise<{ id: string }>) => void;

function WithPerson({ open }: { readonly open: Open }): ReactNode {
  const client = useClient();
  return (
    <PersonPicker
      label="Name"
      action="Write"
      verb="Write to"
      onPick={({ user_id }) => open(client.withUser(user_id))}
    />
  );
}

function NewGroup({ open }: { readonly open: Open }): ReactNode {
  const client = useClient();
  const [title, setTitle] = useState("");
  const [isPublic, setPublic] = useState(false);
  const [people, setPeople] = useState<readonly Person[]>([]);
  const create = (): void => {
    const member_ids = people.map(({ user_id }) => user_id);
    open(
      client.create({
        type: isPublic ? "public" : "group",
        title,
        member_ids,
        history: isPublic ? "full" : "since_join",
      }),
    );
  };
  return (
    <div className="form">
      <label>
        Title
        <input value={title} maxLength={200} onChange={(event) => setTitle(event.target.value)} />
      </label>
      <PersonPicker
        label="Add people"
        action="Add"
        verb="Add"
        onPick={(person) =>
          setPeople((people) => [...people.filter(({ user_id }) => user_id !== person.user_id), person])
        }
      />
      <ul className="chips">
        {people.map(({ user_id, display_name }) => (
          <li key={user_id}>
            {display_name}
            <button
              className="icon"
              aria-label={`Remove ${display_name}`}
              onClick={() => setPeople(people.filter((one) => one.user_id !== user_id))}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      <label className="check">
        <input type="checkbox" checked={isPublic} onChange={(event) => setPublic(event.target.checked)} />
        Everybody may join
      </label>
      <button className="primary" disabled={title.trim() === ""} onClick={create}>
        Create
      </button>
    </div>
  );
}

function Rooms({ open }: { readonly open: Open }): ReactNode {
  const client = useClient();
  const [words, setWords] = useState("");
  const [rooms, setRooms] = useState<readonly PublicConversation[]>([]);
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      client.api.conversations.findPublic(words.trim() === "" ? {} : { q: words }).then(
        ({ entries }) => current && setRooms(entries),
        () => current && setRooms([]),
      );
    }, 200);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, words]);
  return (
    <div className="form">
      <label>
        Find
        <input type="search" value={words} onChange={(event) => setWords(event.target.value)} />
      </label>
      <ul className="rooms">
        {rooms.map(({ conversation_id, title, topic, member_count, member }) => (
          <li key={conversation_id}>
            <div>
              <strong>{title}</strong>
              <p className="hint">
                {topic !== undefined && `${topic} · `}
                {member_count} {member_count === 1 ? "member" : "members"}
              </p>
            </div>
            <button
              onClick={() => open(member ? Promise.resolve({ id: conversation_id }) : client.join(conversation_id))}
            >
              {member ? "Open" : "Join"}
            </button>
          </li>
        ))}
        {rooms.length === 0 && <li className="hint">No rooms.</li>}
      </ul>
    </div>
  );
}
