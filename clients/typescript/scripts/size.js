// Bundles each entry as an application's bundler would, prints its compressed size, and fails above the limit.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const KIB = 1024;
const ENTRIES = [
  { name: "@palaver/client", file: "src/index.ts", limit: 25 * KIB },
  { name: "@palaver/client/react", file: "src/react/index.ts", limit: 3 * KIB },
];

for (const { name, file, limit } of ENTRIES) {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react"],
    write: false,
  });
  const [bundle] = outputFiles;
  const compressed = gzipSync(bundle.contents, { level: 9 }).length;
  console.log(`${name}: ${compressed} bytes compressed, ${bundle.contents.length} minified, at most ${limit}`);
  if (compressed > limit) process.exitCode = 1;
}
