import { useClient, useMe } from "@palaver/client/react";
import { useState, type ReactNode } from "react";
import { Ask } from "../common/ask";
import { useRequests } from "../common/requests";
import { PictureDialog } from "../dialogs/picture-dialog";
import { PersonAvatar } from "../people/avatar";

/** The name and the picture of the user, who changes them here. */
export function Me({ onSignOut }: { readonly onSignOut: () => void }): ReactNode {
  const me = useMe();
  const client = useClient();
  const [changing, setChanging] = useState<"name" | "picture">();
  const { act, failure } = useRequests();
  return (
    <header className="me">
      {me !== undefined && (
        <button
          className="plain picture"
          aria-label="Change your picture"
          aria-haspopup="dialog"
          onClick={() => setChanging("picture")}
        >
          <PersonAvatar id={me.user_id} name={me.display_name} size={36} />
        </button>
      )}
      <button
        className="plain name"
        title={`Change your name. Your id: ${me?.user_id ?? "…"}`}
        onClick={() => setChanging("name")}
      >
        {me?.display_name ?? "…"}
      </button>
      <button className="plain" onClick={onSignOut}>
        Sign out
      </button>
      {failure !== undefined && <p role="alert">{failure}</p>}
      {changing === "name" && (
        <Ask
          title="Change your name"
          label="Your name"
          value={me?.display_name ?? ""}
          maxLength={100}
          onSave={(name) => act(client.setProfile(name))}
          onClose={() => setChanging(undefined)}
        />
      )}
      {changing === "picture" && me !== undefined && <PictureDialog me={me} onClose={() => setChanging(undefined)} />}
    </header>
  );
}
