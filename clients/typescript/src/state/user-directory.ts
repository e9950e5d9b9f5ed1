/** The profiles of others, asked for together and once. */

import type { UsersApi } from "../http/users.js";
import type { User } from "../protocol/index.js";
import { Cell, type Observable } from "./observable.js";

/** The profiles that were asked for. */
export class UserDirectory {
  private readonly known = new Cell<ReadonlyMap<string, User>>(new Map());
  private readonly asked = new Set<string>();
  private wanted: string[] = [];
  private readonly api: UsersApi;

  constructor(api: UsersApi) {
    this.api = api;
  }

  /** All profiles that are known. */
  get users(): Observable<ReadonlyMap<string, User>> {
    return this.known;
  }

  /** Asks for profiles that are not known yet. Calls of one turn of the event loop make one request. */
  need(ids: Iterable<string>): void {
    const before = this.wanted.length;
    for (const id of ids) {
      if (this.asked.has(id)) continue;
      this.asked.add(id);
      this.wanted.push(id);
    }
    if (before === 0 && this.wanted.length > 0) queueMicrotask(() => void this.ask());
  }

  /** Takes over profiles that came in another way. */
  add(users: readonly User[]): void {
    const known = new Map(this.known.get());
    for (const user of users) known.set(user.user_id, user);
    this.known.change(known);
  }

  private async ask(): Promise<void> {
    const { wanted } = this;
    this.wanted = [];
    try {
      this.add(await this.api.get(wanted));
    } catch {
      // They are asked for again when somebody needs them again.
      for (const id of wanted) this.asked.delete(id);
    }
  }
}
