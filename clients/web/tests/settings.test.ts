import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectNoFaults } from "./support/axe";
import { launch, Person, uniqueName } from "./support/browser";

let browser: Browser;
let alice: Person;
/** Another window of Alice. */
let phone: Person;
let bob: Person;

beforeAll(async () => {
  browser = await launch();
  [alice, bob] = await Promise.all([Person.signIn(browser, "Alice"), Person.signIn(browser, "Bob")]);
  phone = await Person.open(browser, alice.name, {
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
    isMobile: true,
    hasTouch: true,
  });
});

afterAll(async () => {
  await browser.close();
});

describe("the settings of a conversation", () => {
  const garden = uniqueName("Garden");

  beforeAll(async () => {
    await alice.create(garden);
    await alice.say("first");
    await alice.writeTo(bob);
    await alice.say("newer");
    await phone.entry(garden).waitFor();
    await phone.entry(bob.name).waitFor();
  });

  it("pin it to the top, in all windows", async () => {
    for (const person of [alice, phone]) await expect.poll(() => titles(person)).toEqual([bob.name, garden]);
    await alice.choose(garden, "Pin to the top");
    for (const person of [alice, phone]) {
      await person.entry(garden).getByLabel("Pinned").waitFor();
      expect(await titles(person)).toEqual([garden, bob.name]);
    }
    await phone.choose(garden, "Unpin");
    await expect.poll(() => titles(alice)).toEqual([bob.name, garden]);
  });

  it("mute it, or all of it but mentions", async () => {
    await alice.options(garden);
    const dialog = alice.page.getByRole("dialog", { name: `Options of ${garden}` });
    await dialog.getByLabel("Mute").selectOption("For a week");
    await dialog.getByRole("option", { name: /^Until / }).waitFor({ state: "attached" });
    await dialog.getByLabel("Notifications").selectOption("Mentions only");
    await expectNoFaults(alice);
    await alice.picture("settings-light");
    await phone.entry(garden).getByLabel("Muted").waitFor();
    await phone.options(garden);
    const other = phone.page.getByRole("dialog");
    await expect.poll(() => other.getByLabel("Notifications").inputValue()).toBe("mentions");
    await expectNoFaults(phone);
    await phone.picture("settings-dark-phone");
    await other.getByLabel("Mute").selectOption("Not muted");
    await alice.entry(garden).getByLabel("Muted").waitFor({ state: "detached" });
    for (const { page } of [alice, phone]) await page.getByRole("button", { name: "Close" }).click();
  });

  it("mark it as unread until it is read", async () => {
    // A read that is still on its way would end the mark.
    await bob.open(alice.name);
    await bob.say("have you read this?");
    await bob.message("have you read this?").getByRole("button", { name: "Read by all" }).waitFor();
    await alice.choose(bob.name, "Mark as unread");
    for (const person of [alice, phone]) await person.entry(bob.name).getByLabel("Marked as unread").waitFor();
    // It was closed here: whoever sees it reads it.
    await alice.page.getByText("Choose a conversation").waitFor();
    await phone.open(bob.name);
    await alice.entry(bob.name).getByLabel("Marked as unread").waitFor({ state: "detached" });
    await phone.page.getByRole("button", { name: "Back to the conversations" }).click();
  });

  it("put it away, and fetch it back", async () => {
    await alice.choose(garden, "Archive");
    for (const person of [alice, phone]) await expect.poll(() => titles(person)).toEqual([bob.name]);
    for (const person of [alice, phone]) {
      await person.page.getByRole("button", { name: "Archived 1" }).click();
      await person.entry(garden).waitFor();
      expect(await titles(person)).toEqual([garden]);
      await expectNoFaults(person);
    }
    await phone.picture("archived-dark-phone");
    await phone.choose(garden, "Unarchive");
    // With the last one the archive goes.
    for (const person of [alice, phone]) await expect.poll(() => titles(person)).toEqual([bob.name, garden]);
  });

  it("are among the details of the conversation", async () => {
    await alice.open(garden);
    await alice.page.getByRole("button", { name: `${garden}: details` }).click();
    await alice.page.getByRole("button", { name: "Pin to the top" }).click();
    await alice.page.getByRole("button", { name: "Unpin" }).waitFor();
    await phone.entry(garden).getByLabel("Pinned").waitFor();
    await alice.page.getByRole("button", { name: "Close" }).click();
  });
});

describe("people", () => {
  it("are found by the beginning of any word of their name, with the keyboard alone", async () => {
    const { page } = phone;
    const [, mark = ""] = bob.name.split(" ");
    await page.getByRole("button", { name: "New", exact: true }).click();
    await page.getByLabel("Name").fill(mark);
    await page.getByRole("button", { name: `Write to ${bob.name}` }).waitFor();
    await expectNoFaults(phone);
    await page.getByLabel("Name").fill(bob.name.toLowerCase());
    await page.getByText("One person found.").waitFor();
    await page.keyboard.press("Enter");
    await phone.shows(bob.name);
    await page.getByRole("button", { name: "Back to the conversations" }).click();
  });

  it("are found by the search over everything", async () => {
    const carol = await Person.signIn(browser, "Carol");
    const { page } = alice;
    await page.getByLabel("Search people, conversations and messages").fill(carol.name);
    await page.getByRole("button", { name: `Write to ${carol.name}` }).click();
    await alice.shows(carol.name);
    // Now there is a conversation.
    await page.getByRole("button", { name: `Write to ${carol.name}` }).waitFor({ state: "detached" });
    await page.getByLabel("Search people, conversations and messages").fill("");
  });

  it("are found by the whole name of their sign-in where the deployment has no search", async () => {
    const dan = await Person.signIn(browser, "Dan", {}, async (page) => {
      await page.route("**/v1/users?q=*", (route) =>
        route.fulfill({ status: 501, json: { code: "search_off", message: "there is no search" } }),
      );
    });
    await dan.page.getByRole("button", { name: "New", exact: true }).click();
    await dan.page.getByLabel("Name").fill("Bob");
    await dan.page.getByText("Nobody with this name has signed in yet.").waitFor();
    await dan.page.getByRole("button", { name: "Close" }).click();
    await dan.writeTo(bob);
  });
});

function titles({ page }: Person): Promise<string[]> {
  return page.locator(".conversation-title").allTextContents();
}
