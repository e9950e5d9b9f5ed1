import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // The machine has other work: one file after the other, in one process.
    maxWorkers: 1,
    fileParallelism: false,
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts", "tests/unit/**/*.test.tsx"] } },
      {
        test: {
          name: "live",
          include: ["tests/live/**/*.test.ts"],
          globalSetup: ["tests/support/local-cloud.ts"],
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
    ],
  },
});
