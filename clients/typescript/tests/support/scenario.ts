/** The format of conformance scenarios: `tests/conformance/README.md` explains it. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** A text, or one that is too long to be written down. */
export type ScenarioText = string | { readonly repeat: string; readonly times: number };

/** A client under test. */
export interface ScenarioClient {
  readonly user: string;
  readonly store?: string;
  readonly pace?: { readonly answer?: number; readonly sync?: number; readonly renew_before_expiry?: number };
  readonly token_seconds?: number;
}

interface ActionCount {
  readonly action: string;
  readonly count: number;
}

/** What a client's proxy does from now on. */
export interface NetworkStep {
  readonly do: "network";
  readonly client: string;
  readonly offline?: boolean;
  readonly cut?: boolean;
  readonly lose_answers?: ActionCount;
  readonly cut_at_answers?: ActionCount;
  readonly lose_pushes?: number;
  readonly delay?: number;
  readonly inject?: string;
}

/** States that have to come. */
export interface ExpectStep {
  readonly do: "expect";
  readonly client: string;
  readonly texts?: readonly (ScenarioText | null)[];
  readonly ends_with?: readonly (ScenarioText | null)[];
  readonly reactions?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly failed?: Readonly<Record<string, number>>;
  readonly unread?: number;
  readonly caught_up?: boolean;
  readonly connections_at_least?: number;
  readonly at_most?: Readonly<Record<string, number>>;
  readonly at_least?: Readonly<Record<string, number>>;
}

/** One step. */
export type Step =
  | { readonly do: "start" | "stop" | "open" | "read"; readonly client: string }
  | { readonly do: "say"; readonly client: string; readonly texts: readonly ScenarioText[]; readonly wait?: boolean }
  | {
      readonly do: "say";
      readonly user: string;
      readonly texts?: readonly ScenarioText[];
      readonly count?: number;
      readonly prefix?: string;
    }
  | { readonly do: "edit"; readonly user: string; readonly text: string; readonly to: string }
  | { readonly do: "delete"; readonly user: string; readonly text: string }
  | {
      readonly do: "react";
      readonly user: string;
      readonly text: string;
      readonly emoji: string;
      readonly on?: boolean;
    }
  | { readonly do: "add" | "remove"; readonly user: string; readonly member: string }
  | { readonly do: "faults"; readonly plan: unknown }
  | { readonly do: "delete_account"; readonly user: string; readonly messages: "keep" | "erase" }
  | { readonly do: "kill"; readonly function: string }
  | { readonly do: "history"; readonly user: string; readonly texts: readonly ScenarioText[] }
  | NetworkStep
  | ExpectStep;

/** A scenario. */
export interface Scenario {
  readonly name: string;
  readonly rules: readonly string[];
  readonly needs?: readonly ("store" | "tabs")[];
  readonly users: readonly string[];
  readonly conversation: { readonly type: "group" | "public"; readonly members: readonly string[] };
  readonly clients: Readonly<Record<string, ScenarioClient>>;
  readonly steps: readonly Step[];
}

const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), "../../../../tests/conformance");

/** Reads all scenarios. */
export function scenarios(): readonly Scenario[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Scenario);
}

/** Writes a text out. */
export function written(text: ScenarioText): string {
  return typeof text === "string" ? text : text.repeat.repeat(text.times);
}
