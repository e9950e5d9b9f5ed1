import type { ConversationHandle, RecipientStatus } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import { Dialog } from "../common/dialog";
import { useRequests } from "../common/requests";
import { exactly } from "../common/times";
import { useNames } from "../people/names";

interface Props {
  readonly chat: ConversationHandle;
  readonly seq: number;
  readonly name: (id: string) => string;
  readonly onClose: () => void;
}

/** Who has received and read a message, and when. */
export function MessageInfo({ chat, seq, onClose }: Props): ReactNode {
  const { api } = useClient();
  const [recipients, setRecipients] = useState<readonly RecipientStatus[]>([]);
  const { act, failure } = useRequests();
  const name = useNames(recipients.map(({ user_id }) => user_id));
  useEffect(() => {
    const load = async (): Promise<void> => {
      const all: RecipientStatus[] = [];
      let query: { cursor?: string } | undefined = {};
      while (query !== undefined) {
        const { entries, cursor } = await api.messages.status(chat.id, seq, query);
        all.push(...entries);
        query = cursor === null ? undefined : { cursor };
      }
      setRecipients(all);
    };
    act(load());
  }, [api, chat, seq, act]);
  return (
    <Dialog title="Who has read it" onClose={onClose}>
      {failure !== undefined && <p role="alert">{failure}</p>}
      <ul className="recipients">
        {recipients.map(({ user_id, delivered_at, read_at }) => (
          <li key={user_id}>
            <strong>{name(user_id)}</strong>
            <span className="hint">
              {read_at !== null
                ? `read ${exactly(read_at)}`
                : delivered_at !== null
                  ? `delivered ${exactly(delivered_at)}`
                  : "not yet"}
            </span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
