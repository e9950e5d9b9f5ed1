/** What the user has written and not sent: it stays in this browser. */

/** Returns the draft of a conversation; an empty text, if there is none. */
export function draftOf(id: string): string {
  return localStorage.getItem(key(id)) ?? "";
}

/** Keeps the draft of a conversation. */
export function keepDraft(id: string, text: string): void {
  if (text === "") localStorage.removeItem(key(id));
  else localStorage.setItem(key(id), text);
}

function key(id: string): string {
  return `palaver.draft.${id}`;
}
