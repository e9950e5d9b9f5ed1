/** Profiles and accounts over HTTP. */

import { MAX_USER_IDS, type Custom, type Profile, type User } from "../protocol/index.js";
import type { Page, PageQuery } from "./conversations.js";
import type { DownloadLink } from "./files.js";
import type { Requests } from "./requests.js";

/** The requests about users. */
export class UsersApi {
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** Returns the user's own profile. Rejects with the code `profile_required` before the first {@link UsersApi.setProfile}. */
  me(): Promise<Profile> {
    return this.requests.ask("GET", "/v1/users/me");
  }

  /** Creates or changes the user's profile. `custom` stays if absent; `null` removes it. */
  setProfile(displayName: string, custom?: Custom | null): Promise<Profile> {
    const body = { display_name: displayName, ...(custom === undefined ? {} : { custom }) };
    return this.requests.ask("PUT", "/v1/users/me", { body });
  }

  /**
   * Makes the user's avatar of a PNG, JPEG, GIF or WebP of at most 4 MB; `null` removes it. Resolves with nothing then, else with the
   * profile, whose `avatar_id` names the picture.
   */
  setAvatar(picture: Blob): Promise<Profile>;
  setAvatar(picture: null): Promise<undefined>;
  setAvatar(picture: Blob | null): Promise<Profile | undefined> {
    return picture === null
      ? this.requests.ask("DELETE", "/v1/users/me/avatar")
      : this.requests.ask("PUT", "/v1/users/me/avatar", { body: picture });
  }

  /** Returns a link to the avatar of a user who has one. The picture can be kept by its `avatar_id`. */
  avatar(id: string): Promise<DownloadLink> {
    return this.requests.ask("GET", `/v1/users/${id}/avatar`);
  }

  /** Returns the users with these ids, each once. Unknown ones are left out. */
  async get(ids: readonly string[]): Promise<readonly User[]> {
    const users: User[] = [];
    for (let from = 0; from < ids.length; from += MAX_USER_IDS) {
      const query = { ids: ids.slice(from, from + MAX_USER_IDS).join(",") };
      users.push(...(await this.requests.ask<{ users: User[] }>("GET", "/v1/users", { query })).users);
    }
    return users;
  }

  /**
   * Returns up to `limit` users, 20 at most, whose names have words with these beginnings. Rejects with the code `search_off` where the
   * deployment does not let users find each other.
   */
  async find(name: string, limit?: number): Promise<readonly Profile[]> {
    const query = limit === undefined ? { q: name } : { q: name, limit };
    return (await this.requests.ask<{ users: Profile[] }>("GET", "/v1/users", { query })).users;
  }

  /** Returns a page of the ids of the users whom the user blocks, in their order. */
  async blocked(query: PageQuery = {}): Promise<Page<string>> {
    const { user_ids, cursor } = await this.requests.ask<{ user_ids: string[]; cursor: string | null }>(
      "GET",
      "/v1/blocks",
      { query: { ...query } },
    );
    return { entries: user_ids, cursor };
  }

  /** Blocks a user in every conversation, or ends that. The push `block` tells the user's devices. */
  block(id: string, on = true): Promise<void> {
    return this.requests.ask(on ? "PUT" : "DELETE", `/v1/blocks/${id}`);
  }

  /**
   * Deletes the user's account permanently. With `erase` everything that the user wrote is erased as well, mostly within an hour; it
   * cannot be taken back.
   */
  deleteAccount(messages: "keep" | "erase" = "keep"): Promise<void> {
    return this.requests.ask("DELETE", "/v1/users/me", messages === "keep" ? {} : { query: { messages } });
  }
}
