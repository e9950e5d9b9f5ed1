/** React hooks for the client's observable state. */

import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
  type ReactNode,
} from "react";
import type { Client } from "../client.js";
import type { ConversationHandle } from "../conversation.js";
import type { FileUpload, UploadState } from "../files/upload.js";
import type { Conversation, Message, Presence, Profile, User } from "../protocol/index.js";
import type { ConnectionState } from "../state/change.js";
import type { Timeline } from "../state/conversation-model.js";
import type { Observable } from "../state/observable.js";
import type { Watermarks } from "../store/store.js";

const ClientContext = createContext<Client | undefined>(undefined);

/** Gives a client to the hooks below it. */
export function ClientProvider({
  client,
  children,
}: {
  readonly client: Client;
  readonly children?: ReactNode;
}): ReactNode {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** Returns the client of the nearest `ClientProvider`. Throws where there is none. */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === undefined) throw new Error("there is no ClientProvider around this component");
  return client;
}

/** Returns the value of an observable, and renders again when it changes. */
export function useObservable<T>(observable: Observable<T>): T {
  return useSyncExternalStore(observable.subscribe, observable.get, observable.get);
}

/** Returns the state of the connection. */
export function useConnection(): ConnectionState {
  return useObservable(useClient().connection);
}

/** Returns the user's own profile; `undefined` until it is known. */
export function useMe(): Profile | undefined {
  return useObservable(useClient().me);
}

/** Returns the user's conversations, the newest first. */
export function useConversations(): readonly Conversation[] {
  return useObservable(useClient().conversations);
}

/** Returns a conversation's handle and opens the conversation for as long as the component is there. */
export function useConversation(id: string): ConversationHandle {
  const client = useClient();
  const handle = useMemo(() => client.conversation(id), [client, id]);
  useEffect(() => handle.open(), [handle]);
  return handle;
}

/** Returns the conversation with its unread count; `undefined` until it is known. */
export function useConversationView(id: string): Conversation | undefined {
  const client = useClient();
  return useObservable(useMemo(() => client.conversation(id).view, [client, id]));
}

/** Returns the messages that are loaded. */
export function useMessages(id: string): Timeline {
  const client = useClient();
  return useObservable(useMemo(() => client.conversation(id).timeline, [client, id]));
}

/** Returns the ids of the users who are typing. */
export function useTyping(id: string): readonly string[] {
  const client = useClient();
  return useObservable(useMemo(() => client.conversation(id).typing, [client, id]));
}

/** Returns the watermarks of the other users. */
export function useReceipts(id: string): Readonly<Record<string, Watermarks>> {
  const client = useClient();
  return useObservable(useMemo(() => client.conversation(id).receipts, [client, id]));
}

/** Returns who is online, as of the time at which the component appeared. */
export function usePresence(id: string): ReadonlyMap<string, Presence> {
  const client = useClient();
  const handle = useMemo(() => client.conversation(id), [client, id]);
  useEffect(() => {
    // A presence that cannot be had is not shown.
    handle.loadPresence().catch(() => undefined);
  }, [handle]);
  return useObservable(handle.presence);
}

/** Returns the pinned messages, newest first, and loads them when others are pinned and after every reconnect. */
export function usePinned(id: string): readonly Message[] {
  const client = useClient();
  const handle = useMemo(() => client.conversation(id), [client, id]);
  const { caughtUp } = useConnection();
  const seqs = useConversationView(id)?.pinned_seqs?.join();
  useEffect(() => {
    // What cannot be loaded now is loaded after the next connection.
    if (caughtUp && seqs !== undefined) handle.loadPinned().catch(() => undefined);
  }, [handle, seqs, caughtUp]);
  return useObservable(handle.pinned);
}

/** Returns the users with these ids, as far as they are known, and asks for the others. */
export function useUsers(ids: readonly string[]): ReadonlyMap<string, User> {
  const { directory } = useClient();
  useEffect(() => {
    directory.need(ids);
  }, [directory, ids]);
  return useObservable(directory.users);
}

/** Returns the uploads of this tab. */
export function useUploads(): readonly FileUpload[] {
  return useObservable(useClient().uploads);
}

/** Returns the progress of an upload. */
export function useUpload(upload: FileUpload): UploadState {
  return useObservable(upload.state);
}
