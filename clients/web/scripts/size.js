// Prints the compressed size of the page, and fails above the limit.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT = 200 * 1024;
const folder = resolve(import.meta.dirname, "../dist");
const files = readdirSync(folder, { recursive: true }).filter((file) => /\.(html|js|css|svg)$/.test(file));
const total = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file)), { level: 9 }).length, 0);
console.log(`the page: ${total} bytes compressed, at most ${LIMIT}`);
if (total > LIMIT) process.exitCode = 1;
