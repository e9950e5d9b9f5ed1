import { PalaverError, type Client, type User } from "@palaver/client";
import { useClient } from "@palaver/client/react";
import { useEffect, useState } from "react";
import { tokenIssuer } from "../session";
import { personId } from "./person-id";

/** A person who has a profile. */
export type Person = User & { display_name: string };

/** People who were found. */
export interface PersonSearch {
  readonly people: readonly Person[];
  readonly status: "searching" | "done" | "failed";
  /** False where users do not find each other by name, but by the whole name with which they sign in. */
  readonly byName: boolean;
}

/** The user has paused: rule 34 of the client guide. */
const PAUSE_MS = 300;

/** People that a search shows. There are no further pages: a longer name finds fewer. */
export const MAX_PEOPLE = 20;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const NOBODY: readonly Person[] = [];

/** The clients whose deployment has answered that users do not find each other. */
const withoutSearch = new WeakSet<Client>();

/** Finds people by the beginnings of their names, or by their id. */
export function usePersonSearch(name: string): PersonSearch {
  const client = useClient();
  const wanted = name.trim();
  const [found, setFound] = useState<{ name: string; people: readonly Person[]; failed: boolean }>({
    name: "",
    people: NOBODY,
    failed: false,
  });
  useEffect(() => {
    if (wanted === "") return;
    let current = true;
    const timer = setTimeout(() => {
      findPeople(client, wanted).then(
        (people) => {
          client.directory.add(people);
          if (current) setFound({ name: wanted, people, failed: false });
        },
        () => current && setFound({ name: wanted, people: NOBODY, failed: true }),
      );
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, wanted]);
  const byName = !withoutSearch.has(client);
  if (wanted === "") return { people: NOBODY, status: "done", byName };
  if (found.name !== wanted) return { people: NOBODY, status: "searching", byName };
  return { people: found.people, status: found.failed ? "failed" : "done", byName };
}

async function findPeople(client: Client, wanted: string): Promise<readonly Person[]> {
  if (UUID.test(wanted)) return withProfile(await client.api.users.get([wanted]));
  if (!withoutSearch.has(client)) {
    try {
      return await client.api.users.find(wanted, MAX_PEOPLE);
    } catch (error) {
      if (!(error instanceof PalaverError && error.code === "search_off")) throw error;
      withoutSearch.add(client);
    }
  }
  return withProfile(await client.api.users.get([await personId(await tokenIssuer(), wanted)]));
}

function withProfile(users: readonly User[]): readonly Person[] {
  return users.filter((user): user is Person => "display_name" in user);
}
