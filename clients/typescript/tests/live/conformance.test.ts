import { describe, inject, it } from "vitest";
import { scenarios } from "../support/scenario.js";
import { Stage } from "../support/stage.js";

describe("conformance", () => {
  it.each(scenarios().map((scenario) => [scenario.name, scenario] as const))(
    "%s",
    { timeout: 120_000 },
    async (_, scenario) => {
      const stage = new Stage(inject("endpoints"), scenario);
      try {
        await stage.run();
      } finally {
        await stage.end();
      }
    },
  );
});
