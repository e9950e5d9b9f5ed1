import type { Conversation, ConversationHandle } from "@palaver/client";
import { useEffect, useState, type KeyboardEvent, type ReactNode, type RefObject } from "react";
import { useNames } from "../people/names";

/** Suggestions that are shown at once. */
const MAX_SUGGESTIONS = 6;

interface Suggestion {
  readonly id: string;
  readonly name: string;
}

/** The completion of `@names`. */
export interface Mentions {
  readonly suggestions: readonly Suggestion[];
  readonly active: number;
  readonly pick: (suggestion: Suggestion) => void;
  /** The caret has moved. */
  readonly onCaret: (caret: number) => void;
  /** Returns true if it has handled the key. */
  readonly onKeyDown: (event: KeyboardEvent) => boolean;
  /** The members whom a text names. */
  readonly idsIn: (text: string) => string[];
}

/** Completes the names of members in a field. */
export function useMentions(
  chat: ConversationHandle,
  view: Conversation,
  field: RefObject<HTMLTextAreaElement | null>,
  text: string,
  setText: (text: string) => void,
  /** Users whom the text of a message has mentioned before. */
  before: readonly string[],
): Mentions {
  const [members, setMembers] = useState<readonly string[]>([]);
  const [active, setActive] = useState(0);
  const [dismissed, setDismissed] = useState("");
  const [caret, setCaret] = useState(0);
  const isGroup = view.type !== "private";
  const typed = isGroup ? /(?:^|\s)@([^\s@]*)$/u.exec(text.slice(0, caret))?.[1] : undefined;
  const wantsMembers = isGroup && text.includes("@");
  useEffect(() => {
    if (!wantsMembers) return;
    chat.members().then(
      (members) => setMembers(members.map(({ user_id }) => user_id)),
      () => undefined,
    );
  }, [chat, wantsMembers]);
  const people = [...new Set([...members, ...before])];
  const name = useNames(people);
  const known = people.map((id) => ({ id, name: name(id) })).filter((one) => one.name !== "…");
  const matching =
    typed === undefined || typed === dismissed
      ? []
      : known.filter((one) => one.name.toLocaleLowerCase().startsWith(typed.toLocaleLowerCase()));
  const suggestions = matching.slice(0, MAX_SUGGESTIONS);

  const pick = (suggestion: Suggestion): void => {
    const before = text.slice(0, caret).replace(/@[^\s@]*$/u, `@${suggestion.name} `);
    setText(before + text.slice(caret));
    setCaret(before.length);
    setDismissed("");
    setActive(0);
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): boolean => {
    const suggestion = suggestions[active];
    if (suggestion === undefined) return false;
    if (event.key === "Enter" || event.key === "Tab") pick(suggestion);
    else if (event.key === "ArrowDown") setActive((active + 1) % suggestions.length);
    else if (event.key === "ArrowUp") setActive((active + suggestions.length - 1) % suggestions.length);
    else if (event.key === "Escape") setDismissed(typed ?? "");
    else return false;
    event.preventDefault();
    return true;
  };
  const idsIn = (text: string): string[] => known.filter((one) => text.includes(`@${one.name}`)).map(({ id }) => id);
  return {
    suggestions,
    active: Math.min(active, Math.max(0, suggestions.length - 1)),
    pick,
    onCaret: setCaret,
    onKeyDown,
    idsIn,
  };
}

/** The suggestions above the field. */
export function Completion({ mentions: { suggestions, active, pick } }: { readonly mentions: Mentions }): ReactNode {
  if (suggestions.length === 0) return null;
  return (
    <ul className="completion" role="listbox" aria-label="Members">
      {suggestions.map((suggestion, index) => (
        <li
          key={suggestion.id}
          role="option"
          aria-selected={index === active}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => pick(suggestion)}
        >
          @{suggestion.name}
        </li>
      ))}
    </ul>
  );
}
