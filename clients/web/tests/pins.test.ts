import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectNoFaults } from "./support/axe";
import { launch, Person, uniqueName } from "./support/browser";

let browser: Browser;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  browser = await launch();
  [alice, bob] = await Promise.all([
    Person.signIn(browser, "Alice", { colorScheme: "light" }),
    Person.signIn(browser, "Bob", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }),
  ]);
});

afterAll(async () => {
  await browser.close();
});

const bar = ({ page }: Person) => page.getByRole("region", { name: "Pinned messages" });

describe("pinned messages", () => {
  it("are seen by both people of a private conversation at once, open in their place, and are unpinned by either", async () => {
    await alice.writeTo(bob);
    await alice.say("the door code is 4711");
    for (let n = 0; n < 20; n++) await alice.say(`chatter ${n}`);
    // All of it is new to Bob: the conversation opens at the first of it.
    await bob.entry(alice.name).getByLabel("21 unread").waitFor();
    await bob.open(alice.name);
    await bob.page.getByRole("button", { name: "To the newest message" }).click();
    await alice.act("the door code", "Pin");
    for (const person of [alice, bob]) await bar(person).getByText("the door code is 4711").waitFor();
    await bob.page.locator(".system", { hasText: `${alice.name} pinned a message` }).waitFor();
    await bob.act("chatter 19", "Pin");
    for (const person of [alice, bob]) await bar(person).getByText("chatter 19").waitFor();
    for (const person of [alice, bob]) await expectNoFaults(person);
    await alice.picture("pins-light");
    await bob.picture("pins-dark-phone");

    // With the keyboard alone.
    await bar(bob).getByRole("button", { name: "All 2" }).focus();
    await bob.page.keyboard.press("Enter");
    const all = bob.page.getByRole("dialog", { name: "Pinned messages" });
    await expect.poll(() => all.locator(".last").allTextContents()).toEqual(["chatter 19", "the door code is 4711"]);
    await expectNoFaults(bob);
    await bob.picture("pins-all-dark-phone");
    await bob.page.keyboard.press("Escape");
    await all.waitFor({ state: "detached" });
    expect(
      await bar(bob)
        .getByRole("button", { name: "All 2" })
        .evaluate((button) => button === document.activeElement),
    ).toBe(true);
    await bob.page.keyboard.press("Enter");
    await all
      .getByRole("button", { name: /door code/ })
      .first()
      .press("Enter");
    const place = bob.page.locator(".message[data-highlighted=true]", { hasText: "the door code" });
    await place.waitFor();
    await expect.poll(() => place.evaluate((row) => row === document.activeElement)).toBe(true);

    await bar(alice).getByRole("button", { name: "All 2" }).click();
    await alice.page.getByRole("button", { name: "Unpin chatter 19" }).click();
    await bar(alice).getByRole("button", { name: "All 1" }).waitFor();
    await alice.page.getByRole("button", { name: "Close" }).click();
    await bar(bob).getByText("the door code is 4711").waitFor();
    await alice.act("the door code", "Unpin");
    for (const person of [alice, bob]) await bar(person).waitFor({ state: "detached" });
  });

  it("follow edits, and go with the message", async () => {
    await alice.say("lunch at one");
    await alice.act("lunch at one", "Pin");
    await bar(bob).getByText("lunch at one").waitFor();
    await alice.act("lunch at one", "Edit");
    await alice.say("lunch at two");
    await bar(bob).getByText("lunch at two").waitFor();
    await alice.act("lunch at two", "Delete for everybody");
    await alice.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    for (const person of [alice, bob]) await bar(person).waitFor({ state: "detached" });
  });

  it("are chosen by owners and admins of a group, and read by all", async () => {
    const title = uniqueName("Garden");
    await alice.create(title, async () => {
      await alice.page.getByLabel("Add people").fill(bob.name);
      await alice.page.getByRole("button", { name: `Add ${bob.name}` }).click();
    });
    await alice.say("the rules");
    await alice.act("the rules", "Pin");
    await bob.page.getByRole("button", { name: "Back to the conversations" }).click();
    await bob.open(title);
    await bar(bob).getByText("the rules").waitFor();
    await bob.message("the rules").hover();
    await bob.message("the rules").getByRole("button", { name: "Actions" }).click();
    await bob.message("the rules").getByRole("button", { name: "Reply" }).waitFor();
    expect(await bob.message("the rules").getByRole("button", { name: "Unpin" }).count()).toBe(0);
    await bar(bob).getByRole("button", { name: "All 1" }).click();
    await bob.page.getByRole("dialog").getByText("the rules").waitFor();
    expect(await bob.page.getByRole("button", { name: /^Unpin/ }).count()).toBe(0);
  });
});
