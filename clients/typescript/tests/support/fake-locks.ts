/** Locks as browsers have them, for clients within one process. */

import type { Locks } from "../../src/index.js";

/** Each name has a queue; a lock ends when its holder's promise does. */
export class FakeLocks implements Locks {
  private readonly queues = new Map<string, Promise<void>>();

  request(name: string, { signal }: { signal?: AbortSignal }, held: () => Promise<void>): Promise<unknown> {
    const before = this.queues.get(name) ?? Promise.resolve();
    const mine = before.then(() => (signal?.aborted === true ? undefined : held()));
    this.queues.set(name, mine);
    return mine;
  }
}
