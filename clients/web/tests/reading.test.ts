import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { expectNoFaults } from "./support/axe";
import { Backend, lines } from "./support/backend";
import { launch, Person, uniqueName } from "./support/browser";

/** More than two screens. */
const UNREAD = 40;

let browser: Browser;
let alice: Person;
let bob: Person;
let backend: Backend;
let conversation: string;

beforeAll(async () => {
  browser = await launch();
  [alice, bob] = await Promise.all([
    Person.signIn(browser, "Alice"),
    Person.signIn(browser, "Bob", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }),
  ]);
  await alice.writeTo(bob);
  backend = await Backend.of(alice.name);
  conversation = new URL(alice.page.url()).hash.slice(1);
});

afterAll(async () => {
  await browser.close();
});

describe("what is new", () => {
  it("is counted in the title of the window, and begins at a line from which one reads on", async () => {
    await backend.say(conversation, lines("known", 30));
    await bob.open(alice.name);
    await bob.message("known 29").waitFor();
    await bob.page.getByRole("button", { name: "To the newest message" }).click();
    await alice.message("known 29").getByRole("button", { name: "Read by all" }).waitFor();
    await bob.back();
    await backend.say(conversation, lines("news", UNREAD));
    await bob.entry(alice.name).getByLabel(`${UNREAD} unread`).waitFor();
    expect(await bob.page.title()).toBe(`(${UNREAD}) Palaver`);

    await bob.open(alice.name);
    const first = bob.page.locator(".message", { hasText: /^news 0/ });
    await expect.poll(() => isSeen(bob, ".unread-line")).toBe(true);
    await expect(first.isVisible()).resolves.toBe(true);
    await bob.picture("unread-dark-phone");
    // It is not read by being there.
    await bob.page.getByRole("button", { name: "To the newest message" }).getByText(String(UNREAD)).waitFor();
    await bob.page.getByRole("button", { name: "To the newest message" }).click();
    await alice
      .message(`news ${UNREAD - 1}`)
      .getByRole("button", { name: "Read by all" })
      .waitFor();
    expect(await bob.page.title()).toBe("Palaver");
  });

  it("is below a line when one comes back to the window", async () => {
    await bob.page.evaluate(() => window.dispatchEvent(new Event("blur")));
    await alice.say("while you were away");
    await bob.message("while you were away").waitFor();
    await expect
      .poll(() => bob.page.locator(".messages > li:has(+ .message):nth-last-of-type(2)").textContent())
      .toBe("New");
  });
});

describe("an answer", () => {
  it("leads to what it answers, however far above", async () => {
    await alice.act(`news ${UNREAD - 1}`, "Reply");
    await alice.say("I agree");
    const quotation = bob.message("I agree").locator("blockquote").getByRole("button");
    await quotation.getByText(`${alice.name}: news ${UNREAD - 1}`).waitFor();
    await quotation.click();
    await bob.page.locator(".message[data-highlighted=true]", { hasText: `news ${UNREAD - 1}` }).waitFor();
    await bob.act(`news ${UNREAD - 1}`, "React with 🎉");
    await bob
      .message(`news ${UNREAD - 1}`)
      .getByRole("button", { name: "🎉, 1" })
      .waitFor();
    await bob.page.getByRole("button", { name: "To the newest messages" }).click();
  });
});

describe("what an app adds to a message", () => {
  it("is not shown, and stays when the text is edited", async () => {
    await backend.say(conversation, [{ text: "a card", custom: { card: "hearts" } }]);
    await alice.act("a card", "Edit");
    await alice.say("a better card");
    await bob.message("a better card").getByText("edited", { exact: true }).waitFor();
    expect(await bob.page.locator("body").textContent()).not.toContain("hearts");
    const { messages } = await backend.ask<{ messages: object[] }>(
      "GET",
      `/v1/conversations/${conversation}/messages?limit=1`,
    );
    expect(messages).toMatchObject([{ text: "a better card", custom: { card: "hearts" } }]);
  });
});

describe("somebody who is offline", () => {
  it("is told so, also in the list, and what fails then", async () => {
    await bob.act("a better card", "Reply");
    await bob.field.fill("half a thought");
    await bob.page.context().setOffline(true);
    await bob.page.getByText("Connecting…").waitFor();
    await bob.act("a better card", "React with 👍");
    await bob.page.getByRole("alert").getByText("That did not work").waitFor();
    await expectNoFaults(bob);
    await bob.picture("offline-dark-phone");
    await bob.page.getByRole("button", { name: "Dismiss" }).click();
    await bob.back();
    await bob.page.getByText("Connecting…").waitFor();
    await bob.entry(alice.name).getByText("Draft: half a thought").waitFor();
    await bob.page.context().setOffline(false);
    await bob.page.getByText("Connecting…").waitFor({ state: "detached" });
  });
});

describe("a conversation", () => {
  it("of an address that is not the user's says so", async () => {
    const { page } = bob;
    await page.goto(`${inject("page")}?as=${bob.name}#019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d`);
    await page.getByText("You have no such conversation.").waitFor();
    await page.getByRole("button", { name: "Back to the conversations" }).click();
    await bob.entry(alice.name).waitFor();
  });

  it("has the field in focus, a title and a topic that are changed, and names of any length and direction", async () => {
    const title = uniqueName("Garden");
    await alice.create(title);
    expect(await alice.field.evaluate((field) => field === document.activeElement)).toBe(true);
    const { page } = alice;
    const long = `${"Donaudampfschifffahrtsgesellschaft".repeat(4)} ${title}`;
    await page.getByRole("button", { name: `${title}: details` }).click();
    await page.getByRole("button", { name: "Change the title" }).click();
    await page.getByRole("textbox", { name: "Title" }).fill(long);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Change the topic" }).click();
    await page.getByRole("textbox", { name: "Topic" }).fill("حديقة");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("dialog").getByText("حديقة").waitFor();
    await expectNoFaults(alice);
    await page.getByRole("button", { name: "Close" }).click();
    await alice.say(`${"ha".repeat(400)} שלום`);
    await alice.message("haha").waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    await alice.picture("long-light-phone");
    const widths = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await widths()).toBe(390);
    await alice.back();
    await alice.picture("long-light-phone-list");
    expect(await widths()).toBe(390);
  });
});

/** True if the first element of this selector is within the list of messages. */
function isSeen({ page }: Person, selector: string): Promise<boolean> {
  return page.evaluate((selector) => {
    const [element, list] = [document.querySelector(selector), document.querySelector(".list")];
    if (element === null || list === null) return false;
    const [inner, outer] = [element.getBoundingClientRect(), list.getBoundingClientRect()];
    return inner.top >= outer.top && inner.bottom <= outer.bottom;
  }, selector);
}
