/** A store in the browser's IndexedDB. */

import type { KeptMessage } from "../log/replica.js";
import type { Profile } from "../protocol/index.js";
import type { Outgoing } from "../sending/outgoing.js";
import type { KeptConversation, Store, StoreChanges, StoredState } from "./store.js";

/** The newest version of the schema. A version is a step of {@link upgrade}, and never changes once it was released. */
const VERSION = 1;

const ALL = ["user", "conversations", "messages", "outgoing"] as const;

/** The browser's IndexedDB, or another implementation. */
export interface IndexedDb {
  readonly factory: IDBFactory;
  readonly ranges: typeof IDBKeyRange;
}

/** Keeps data in IndexedDB: it survives reloads, and all tabs of the origin share it. */
export class IndexedDbStore implements Store {
  readonly name: string;
  private readonly factory: IDBFactory;
  private readonly ranges: typeof IDBKeyRange;
  private opened: Promise<IDBDatabase> | undefined;

  /**
   * Creates a store with a name. Users who share a browser have a name each: a store whose data belong to another user is
   * emptied.
   */
  constructor(
    name: string,
    { factory, ranges }: IndexedDb = { factory: globalThis.indexedDB, ranges: globalThis.IDBKeyRange },
  ) {
    this.name = `palaver-${name}`;
    this.factory = factory;
    this.ranges = ranges;
  }

  async load(): Promise<StoredState> {
    const transaction = (await this.open()).transaction(ALL, "readonly");
    const all = <T>(table: (typeof ALL)[number]): Promise<T[]> =>
      result(transaction.objectStore(table).getAll() as IDBRequest<T[]>);
    const [users, conversations, messages] = await Promise.all([
      all<Profile>("user"),
      all<KeptConversation>("conversations"),
      all<KeptMessage>("messages"),
    ]);
    return { user: users[0], conversations, messages };
  }

  async outgoing(): Promise<readonly Outgoing[]> {
    const table = (await this.open()).transaction("outgoing", "readonly").objectStore("outgoing");
    const messages = await result(table.getAll() as IDBRequest<Outgoing[]>);
    return messages.sort((a, b) => a.order - b.order);
  }

  async commit(changes: StoreChanges): Promise<void> {
    const transaction = (await this.open()).transaction(ALL, "readwrite", { durability: "relaxed" });
    const done = finished(transaction);
    const table = (name: (typeof ALL)[number]): IDBObjectStore => transaction.objectStore(name);
    if (changes.user !== undefined) table("user").put(changes.user, "me");
    for (const kept of changes.conversations ?? []) table("conversations").put(kept, kept.conversation.conversation_id);
    for (const { conversation_id, through } of changes.forgotten ?? []) {
      table("messages").delete(this.ranges.bound([conversation_id, 0], [conversation_id, through]));
    }
    for (const message of changes.messages ?? [])
      table("messages").put(message, [message.conversation_id, message.seq]);
    for (const message of changes.outgoing ?? []) table("outgoing").put(message, message.client_message_id);
    for (const id of changes.settled ?? []) table("outgoing").delete(id);
    return done;
  }

  async clear(): Promise<void> {
    const transaction = (await this.open()).transaction(ALL, "readwrite");
    const done = finished(transaction);
    for (const name of ALL) transaction.objectStore(name).clear();
    return done;
  }

  close(): void {
    void this.opened?.then((database) => {
      database.close();
    });
    this.opened = undefined;
  }

  private open(): Promise<IDBDatabase> {
    this.opened ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = this.factory.open(this.name, VERSION);
      request.onupgradeneeded = ({ oldVersion }) => {
        upgrade(request.result, oldVersion);
      };
      request.onsuccess = () => {
        const database = request.result;
        // A tab with a newer version of the client waits for this one to let go.
        database.onversionchange = () => {
          this.close();
        };
        resolve(database);
      };
      request.onerror = () => {
        this.opened = undefined;
        reject(failure(request.error));
      };
    });
    return this.opened;
  }
}

/** Brings a database from an older version to the newest. */
function upgrade(database: IDBDatabase, oldVersion: number): void {
  if (oldVersion < 1) for (const name of ALL) database.createObjectStore(name);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(failure(request.error));
    };
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    transaction.onabort = transaction.onerror = () => {
      reject(failure(transaction.error));
    };
  });
}

function failure(error: DOMException | null): Error {
  return error ?? new DOMException("IndexedDB failed", "UnknownError");
}
