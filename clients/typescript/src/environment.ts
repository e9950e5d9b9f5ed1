/** What a client needs of its platform. Browsers have all of it; elsewhere parts are given to `createClient`. */

/** A WebSocket, as far as a client uses it. */
export interface Socket {
  /** Called when the connection is open. */
  onopen: ((event: never) => void) | null;
  /** Called for each frame. */
  onmessage: ((event: { data: unknown }) => void) | null;
  /** Called when the connection has ended, or could not be opened. */
  onclose: ((event: never) => void) | null;
  /** Called before `onclose` if something has failed. */
  onerror: ((event: never) => void) | null;
  /** Sends a text frame. */
  send(data: string): void;
  /** Ends the connection. */
  close(code?: number): void;
}

/** Makes a WebSocket: the class `WebSocket` of a browser, or that of the package `ws`. */
export type SocketClass = new (url: string, protocols: string[]) => Socket;

/** Locks that all tabs of an origin share: `navigator.locks`. */
export interface Locks {
  /** Calls `held` with the lock of a name, and keeps it until that promise ends. */
  request(name: string, options: { signal?: AbortSignal }, held: () => Promise<void>): Promise<unknown>;
}

/** The channel that all tabs of an origin share: `BroadcastChannel`. */
export type ChannelClass = new (name: string) => Channel;

/** A channel to the other tabs. */
export interface Channel {
  /** Called for each message of another tab. */
  onmessage: ((event: { data: unknown }) => void) | null;
  /** Sends a copy of a message to the other tabs. */
  postMessage(message: unknown): void;
  /** Ends the channel. */
  close(): void;
}

/** Computes the SHA-256 of bytes. */
export type Digest = (bytes: Uint8Array) => Promise<Uint8Array>;

/** Sends bytes with a signed request, and tells how many have left. Resolves with the status. */
export type Put = (request: PutRequest) => Promise<number>;

/** A request of {@link Put}. */
export interface PutRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob;
  readonly signal: AbortSignal;
  /** To be called while bytes leave. */
  readonly progress: (sentBytes: number) => void;
}

/** The parts of the platform. */
export interface Environment {
  /** Makes HTTP requests. */
  readonly fetch: typeof fetch;
  /** Makes connections. Node has one from version 22 on; the package `ws` has one for Node 20. */
  readonly WebSocket: SocketClass;
  /** Absent where a program has no tabs. */
  readonly locks?: Locks;
  readonly BroadcastChannel?: ChannelClass;
  /** Makes ids of messages and keys of requests. */
  readonly randomUUID: () => string;
  /** Computes the SHA-256 of small files; WebCrypto by default. */
  readonly digest: Digest;
  /** By default `XMLHttpRequest`, which knows its progress, and `fetch` where that is missing. */
  readonly put: Put;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A number from 0 up to 1, for waits. */
  readonly random: () => number;
  /** Calls back later. */
  readonly setTimeout: (callback: () => void, milliseconds: number) => unknown;
  /** Ends a timer. */
  readonly clearTimeout: (timer: never) => void;
}

/** Takes what is given, and the rest from the platform. */
export function platform(given: Partial<Environment> = {}): Environment {
  const { crypto, navigator, BroadcastChannel } = globalThis;
  const locks = given.locks ?? (navigator as { locks?: Locks } | undefined)?.locks;
  const channel = given.BroadcastChannel ?? (BroadcastChannel as ChannelClass | undefined);
  const doFetch = given.fetch ?? globalThis.fetch.bind(globalThis);
  return {
    fetch: doFetch,
    WebSocket: globalThis.WebSocket as unknown as SocketClass,
    ...(locks === undefined ? {} : { locks }),
    ...(channel === undefined ? {} : { BroadcastChannel: channel }),
    randomUUID: () => crypto.randomUUID(),
    digest: async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)),
    put: typeof XMLHttpRequest === "undefined" ? putByFetch(doFetch) : putByXhr,
    now: Date.now,
    random: Math.random,
    setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
    clearTimeout: (timer) => {
      clearTimeout(timer);
    },
    ...given,
  };
}

/** `fetch` does not know how much has left, so there is progress only at the end. */
function putByFetch(doFetch: typeof fetch): Put {
  return async ({ method, url, headers, body, signal, progress }) => {
    const response = await doFetch(url, { method, headers, body, signal });
    progress(body.size);
    return response.status;
  };
}

const putByXhr: Put = ({ method, url, headers, body, signal, progress }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => {
      progress(loaded);
    };
    request.onload = () => {
      resolve(request.status);
    };
    request.onerror = () => {
      reject(new TypeError("the upload was interrupted"));
    };
    request.onabort = () => {
      reject(new DOMException("the upload was cancelled", "AbortError"));
    };
    signal.addEventListener("abort", () => {
      request.abort();
    });
    request.send(body);
  });
