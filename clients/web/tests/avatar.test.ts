import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectNoFaults } from "./support/axe";
import { launch, Person } from "./support/browser";

let browser: Browser;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  browser = await launch();
  [alice, bob] = await Promise.all([Person.signIn(browser, "Alice"), Person.signIn(browser, "Bob")]);
});

afterAll(async () => {
  await browser.close();
});

/** A picture of one colour, wider than high, as the page itself can make it. */
async function picture(person: Person): Promise<Buffer> {
  const bytes = await person.page.evaluate(async () => {
    const canvas = new OffscreenCanvas(900, 450);
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.fillStyle = "rgb(200, 30, 30)";
    context.fillRect(0, 0, 900, 450);
    return [...new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer())];
  });
  return Buffer.from(bytes);
}

it("is chosen, shown to others, and removed", async () => {
  const { page } = alice;
  await page.getByRole("button", { name: "Change your picture" }).click();
  const dialog = page.getByRole("dialog", { name: "Your picture" });
  await dialog.getByLabel("Choose a picture").setInputFiles({
    name: "notes.png",
    mimeType: "image/png",
    buffer: Buffer.from("no picture"),
  });
  await dialog.getByRole("alert").waitFor();
  await expectNoFaults(alice);
  const file = { name: "me.png", mimeType: "image/png", buffer: await picture(alice) };
  await dialog.getByLabel("Choose a picture").setInputFiles(file);
  await dialog.waitFor({ state: "detached" });
  const mine = page.locator(".me .avatar img");
  await expect.poll(() => mine.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(320);

  await bob.writeTo(alice);
  const header = bob.page.locator(".chat-header .avatar img");
  await expect.poll(() => header.evaluate((image: HTMLImageElement) => image.naturalHeight)).toBe(160);
  await bob.picture("avatar-light");

  await page.getByRole("button", { name: "Change your picture" }).click();
  await page.getByRole("button", { name: "Remove the picture" }).click();
  await dialog.waitFor({ state: "detached" });
  await mine.waitFor({ state: "detached" });
});
