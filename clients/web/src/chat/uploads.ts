import type { ConversationHandle, FileUpload } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useCallback, useState } from "react";

/** The files that go with the next message. */
export interface Uploads {
  readonly list: readonly FileUpload[];
  readonly add: (files: Iterable<File>) => void;
  readonly remove: (upload: FileUpload) => void;
  readonly clear: () => void;
}

/** Files that a message may have. */
const MAX_FILES = 10;

/** Uploads files to a conversation, for the next message. */
export function useUploads(chat: ConversationHandle): Uploads {
  const client = useClient();
  const [list, setList] = useState<readonly FileUpload[]>([]);
  const add = useCallback(
    (files: Iterable<File>) => {
      const added = [...files].slice(0, MAX_FILES).map((file) => chat.upload(file));
      setList((list) => [...list, ...added].slice(0, MAX_FILES));
    },
    [chat],
  );
  const remove = useCallback(
    (upload: FileUpload) => {
      // A file that is gone already is gone.
      upload.cancel().catch(() => undefined);
      client.dismiss(upload);
      setList((list) => list.filter((other) => other !== upload));
    },
    [client],
  );
  const clear = useCallback(() => {
    setList((list) => {
      for (const upload of list) client.dismiss(upload);
      return [];
    });
  }, [client]);
  return { list, add, remove, clear };
}
