import type { JSX, ReactNode } from "react";

/** A part of a text. */
type Piece = string | JSX.Element;

const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

interface Props {
  readonly text: string;
  readonly mentions: readonly string[];
  readonly me: string | undefined;
  readonly name: (id: string) => string;
}

/** A text with its links and mentions. Nothing of it is ever markup. */
export function MessageText({ text, mentions, me, name }: Props): ReactNode {
  if (text === "") return null;
  const names = mentions.map((id) => ({ id, words: `@${name(id)}` }));
  return (
    <p className="text" dir="auto">
      {split(text, LINK, (link, key) => (
        <a key={key} href={link} target="_blank" rel="noreferrer noopener">
          {link}
        </a>
      )).flatMap((piece, index) => (typeof piece === "string" ? mentioned(piece, names, me, index) : [piece]))}
    </p>
  );
}

function mentioned(
  text: string,
  names: readonly { id: string; words: string }[],
  me: string | undefined,
  index: number,
): Piece[] {
  let pieces: Piece[] = [text];
  for (const { id, words } of names) {
    pieces = pieces.flatMap((piece, at) => {
      if (typeof piece !== "string") return [piece];
      return piece.split(words).flatMap((part, turn) =>
        turn === 0
          ? [part]
          : [
              <span key={`${index}/${at}/${turn}/${id}`} className="mention" data-me={id === me}>
                {words}
              </span>,
              part,
            ],
      );
    });
  }
  return pieces;
}

function split(text: string, pattern: RegExp, make: (match: string, key: number) => JSX.Element): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    pieces.push(text.slice(from, match.index), make(match[0], match.index));
    from = match.index + match[0].length;
  }
  return [...pieces, text.slice(from)];
}
