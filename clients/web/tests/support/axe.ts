/** What axe finds. */

import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "vitest";
import type { Person } from "./browser";

/** Fails if the page, as it is now, has faults. */
export async function expectNoFaults({ page }: Person): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
}
