import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { launch, Person } from "./support/browser";

let browser: Browser;
let folder: string;

beforeAll(async () => {
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), "palaver-demo-"));
  writeFileSync(join(folder, "endpoints.json"), JSON.stringify(inject("endpoints")));
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

function runDemo(): string {
  const main = resolve(import.meta.dirname, "../demo/main.js");
  return execFileSync("node", [main, join(folder, "endpoints.json")], { encoding: "utf8" });
}

it("fills a cloud once, with messages in many scripts, and pictures", async () => {
  expect(runDemo()).toMatch(/^The demo: 13 people and 1020 messages\./);
  expect(runDemo()).toMatch(/nothing is added/);

  const alice = await Person.open(browser, "alice", { colorScheme: "light" });
  const { page } = alice;
  for (const name of ["Garden", "Town square", "Νίκος", "عمر", "נועה", "प्रिया", "มะลิ", "小伟", "ゆき", "민"])
    // The newest message of another conversation may name the person, too.
    await page.locator(".conversation", { hasText: name }).first().waitFor();
  await alice.open("عمر");
  // Rows come and go while the history loads, and a text of emoji alone has no direction of its own.
  const texts = page.locator(".message .text");
  const directions = (): Promise<string[]> =>
    texts.evaluateAll((all) => all.map((text) => getComputedStyle(text).direction));
  await expect.poll(directions, { timeout: 30_000 }).toContain("rtl");
  await alice.open("Garden");
  for (const picture of ["morning.png", "evening.png"])
    await page
      .getByRole("button", { name: `Show ${picture}` })
      .locator("img")
      .waitFor();
  await alice.picture("demo-light");

  const bob = await Person.open(browser, "bob", { colorScheme: "dark" });
  await bob.open("Garden");
  await bob.page.getByRole("button", { name: "Show evening.png" }).locator("img").waitFor();
  await bob.picture("demo-dark");
  await bob.page.setViewportSize({ width: 390, height: 844 });
  await bob.picture("demo-dark-phone");
  await bob.page.emulateMedia({ colorScheme: "light" });
  await bob.page.getByRole("button", { name: "Back to the conversations" }).click();
  await bob.picture("demo-light-phone-list");
});
