import { useState, type ReactNode } from "react";
import { UNEXPLAINED } from "../common/requests";
import { PersonAvatar } from "../people/avatar";
import { MAX_PEOPLE, usePersonSearch, type Person, type PersonSearch } from "../people/person-search";

/** Finds people by name, and hands over those that are chosen. */
export function PersonPicker({
  label,
  action,
  verb,
  onPick,
}: {
  readonly label: string;
  /** The words of the button beside a person. */
  readonly action: string;
  /** The same before the person's name, for screen readers. */
  readonly verb: string;
  readonly onPick: (person: Person) => void;
}): ReactNode {
  const [name, setName] = useState("");
  const search = usePersonSearch(name);
  const pick = (person: Person): void => {
    onPick(person);
    setName("");
  };
  return (
    <form
      className="person-picker"
      onSubmit={(event) => {
        event.preventDefault();
        const [only, ...others] = search.people;
        if (only !== undefined && others.length === 0) pick(only);
      }}
    >
      <label>
        {label}
        <input type="search" value={name} onChange={(event) => setName(event.target.value)} autoFocus />
      </label>
      <p className="hint" role="status">
        {name.trim() === "" ? help(search) : outcome(search)}
      </p>
      <ul className="people">
        {search.people.map((person) => (
          <li key={person.user_id}>
            <PersonAvatar id={person.user_id} name={person.display_name} size={36} />
            <span>{person.display_name}</span>
            <button type="button" aria-label={`${verb} ${person.display_name}`} onClick={() => pick(person)}>
              {action}
            </button>
          </li>
        ))}
      </ul>
    </form>
  );
}

function help({ byName }: PersonSearch): string {
  return byName ? "The beginning of their name, or their id." : "The name with which they sign in, or their id.";
}

function outcome({ people, status, byName }: PersonSearch): string {
  if (status === "searching") return "Searching…";
  if (status === "failed") return UNEXPLAINED;
  if (people.length === 0) return byName ? "Nobody has this name." : "Nobody with this name has signed in yet.";
  if (people.length >= MAX_PEOPLE) return `The first ${MAX_PEOPLE} people. More of the name finds fewer.`;
  return people.length === 1 ? "One person found." : `${people.length} people found.`;
}
