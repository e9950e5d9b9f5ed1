import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: ["../typescript/tests/support/local-cloud.ts", "tests/support/page-server.ts"],
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // As long as what is waited for in the page: it ends a test that hangs, and measures nothing.
    expect: { poll: { timeout: 30_000 } },
  },
});
