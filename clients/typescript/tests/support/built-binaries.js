#!/usr/bin/env node
// Stands in for cargo where the local cloud is built already: the local cloud asks `CARGO` for its functions' binaries.
// `PALAVER_BINARIES` is the folder that has them. Builds nothing, and fails if a binary is not there.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");
const folder = process.env.PALAVER_BINARIES ?? "";
const [command, ...options] = process.argv.slice(2);

if (command === "locate-project") {
  console.log(JSON.stringify({ root: join(root, "Cargo.toml") }));
} else if (command === "metadata") {
  const names = [...readdirSync(join(root, "functions")), "all-functions"];
  const targets = names.map((name) => ({ name, kind: ["bin"] }));
  console.log(
    JSON.stringify({ packages: [{ targets }], target_directory: folder, workspace_root: root, metadata: null }),
  );
} else if (command === "build") {
  for (const [index, option] of options.entries()) {
    if (option !== "--bin") continue;
    const name = options[index + 1] ?? "";
    const executable = join(folder, name);
    if (!existsSync(executable)) throw new Error(`${executable} is not there`);
    console.log(JSON.stringify({ reason: "compiler-artifact", target: { name, kind: ["bin"] }, executable }));
  }
} else {
  throw new Error(`not supported: ${String(command)}`);
}
