import { useClient, useMe, useUsers } from "@palaver/client/react";
import { useCallback, useMemo, type ReactNode } from "react";
import { useImage } from "../common/images";

export interface Shown {
  readonly id: string;
  readonly name: string;
  readonly online?: boolean;
  readonly size?: number;
}

/** The picture of a person; until it is there, and without one, the initials. */
export function PersonAvatar({ id, ...shown }: Shown): ReactNode {
  const client = useClient();
  const me = useMe();
  const user = useUsers(useMemo(() => [id], [id])).get(id);
  const profile = me?.user_id === id ? me : user;
  const avatarId = profile === undefined || "deleted" in profile ? undefined : profile.avatar_id;
  const link = useCallback(() => client.api.users.avatar(id), [client, id]);
  return <Avatar id={id} picture={useImage(avatarId, link)} {...shown} />;
}

/** A circle with a picture, or with the initials of a name on a colour that belongs to the id. */
export function Avatar({
  id,
  name,
  online,
  size = 44,
  picture,
}: Shown & { readonly picture?: string | undefined }): ReactNode {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  const style = { "--hue": hash % 360, "--size": `${size}px` } as React.CSSProperties;
  return (
    <span className="avatar" style={style} aria-hidden="true" data-online={online ?? false}>
      {picture === undefined ? initials(name) : <img src={picture} alt="" />}
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
