/**
 * Starts one local cloud for all tests, on free ports and without data of its own.
 *
 * `PALAVER_BINARIES` names a folder with `local-cloud` and `all-functions`; without it `cargo local` builds both.
 * `PALAVER_ENDPOINTS` names the `endpoints.json` of a cloud that runs already.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

/** The URLs of a local cloud. */
export interface Endpoints {
  readonly http: string;
  readonly websocket: string;
  readonly oidc_token: string;
  readonly control: string;
}

declare module "vitest" {
  interface ProvidedContext {
    endpoints: Endpoints;
  }
}

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, "../../../..");
/** A first build takes minutes. */
const START_TIMEOUT = 1_800_000;

/** Messages are sent faster than people write, and files come in parts from 8 MiB on. */
const PARAMETERS = ["FloodLimit=0", "EventLimit=0", "MultipartAbove=8388608"];

/** Called by Vitest before the first test. Returns what ends the cloud after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env.PALAVER_ENDPOINTS;
  if (running !== undefined) {
    project.provide("endpoints", read(running));
    return () => Promise.resolve();
  }
  const folder = mkdtempSync(join(tmpdir(), "palaver-"));
  const [file, log] = [join(folder, "endpoints.json"), join(folder, "log")];
  const cloud = spawnCloud(file);
  const output = createWriteStream(log);
  cloud.stdout?.pipe(output);
  cloud.stderr?.pipe(output);
  const ended = new Promise<void>((resolve) =>
    cloud.once("exit", () => {
      resolve();
    }),
  );
  const stop = async (): Promise<void> => {
    // It stops when its standard input ends, also when the tests are killed.
    cloud.stdin?.end();
    await ended;
    rmSync(folder, { recursive: true });
  };
  const deadline = Date.now() + START_TIMEOUT;
  while (!existsSync(file)) {
    if (cloud.exitCode !== null || Date.now() > deadline)
      throw new Error(`the local cloud does not start: ${readFileSync(log, "utf8")}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  project.provide("endpoints", read(file));
  return stop;
}

function spawnCloud(endpoints: string): ChildProcess {
  const binaries = process.env.PALAVER_BINARIES;
  const ports = ["--http-port", "0", "--websocket-port", "0", "--oidc-port", "0"];
  const parameters = PARAMETERS.flatMap((parameter) => ["--parameter", parameter]);
  const template = join(ROOT, "template.yaml");
  const options = [
    "--template",
    template,
    "--endpoints",
    endpoints,
    "--ephemeral",
    "--stop-on-stdin-eof",
    "--no-status",
    ...ports,
    ...parameters,
  ];
  const [program, ...before] = binaries === undefined ? ["cargo", "local"] : [join(binaries, "local-cloud")];
  const CARGO = join(HERE, "built-binaries.js");
  const env = binaries === undefined ? process.env : { ...process.env, CARGO };
  return spawn(program ?? "", [...before, ...options], { cwd: ROOT, env, stdio: ["pipe", "pipe", "pipe"] });
}

function read(file: string): Endpoints {
  return JSON.parse(readFileSync(file, "utf8")) as Endpoints;
}
