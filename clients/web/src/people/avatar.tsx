import type { ReactNode } from "react";

/** A coloured circle with the initials of a name. The colour belongs to the id. */
export function Avatar({
  id,
  name,
  online,
  size = 44,
}: {
  readonly id: string;
  readonly name: string;
  readonly online?: boolean;
  readonly size?: number;
}): ReactNode {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  const style = { "--hue": hash % 360, "--size": `${size}px` } as React.CSSProperties;
  return (
    <span className="avatar" style={style} aria-hidden="true" data-online={online ?? false}>
      {initials(name)}
    </span>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const [first = "", last = ""] = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return (firstLetter(first) + firstLetter(last)).toLocaleUpperCase();
}

function firstLetter(word: string): string {
  return Array.from(word)[0] ?? "";
}
