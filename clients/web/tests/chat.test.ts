import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectNoFaults } from "./support/axe";
import { Backend, lines } from "./support/backend";
import { launch, Person, uniqueName } from "./support/browser";
import { png } from "./support/png";

/** Messages that arrive while somebody is offline. */
const MEANWHILE = 100;

let browser: Browser;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  browser = await launch();
  [alice, bob] = await Promise.all([
    Person.signIn(browser, "Alice"),
    Person.signIn(browser, "Bob", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }),
  ]);
});

afterAll(async () => {
  await browser.close();
});

describe("two people in two windows", () => {
  it("chat, and see what was read", async () => {
    await alice.writeTo(bob);
    await alice.say("Hello, Bob");
    await alice.message("Hello, Bob").getByRole("button", { name: "Delivered to all" }).waitFor();
    await bob.page.locator(".conversation", { hasText: alice.name }).getByLabel("1 unread").waitFor();
    await bob.open(alice.name);
    await bob.message("Hello, Bob").waitFor();
    await alice.message("Hello, Bob").getByRole("button", { name: "Read by all" }).click();
    const info = alice.page.getByRole("dialog", { name: "Who has read it" });
    await info
      .locator("li", { hasText: bob.name })
      .getByText(/^read /)
      .waitFor();
    await info.getByRole("button", { name: "Close" }).click();
    await bob.say("Hello, Alice");
    await alice.message("Hello, Alice").waitFor();
  });

  it("see each other typing", async () => {
    // It lasts for some seconds, from the first key on.
    const seen = alice.page.locator(".chat-header .typing").waitFor();
    await Promise.all([seen, bob.field.pressSequentially("I am wri")]);
    await bob.field.fill("");
    await alice.page.locator(".chat-header .typing").waitFor({ state: "detached" });
  });

  it("reply, react, edit and delete", async () => {
    await bob.act("Hello, Bob", "Reply");
    await bob.say("a reply");
    await alice.message("a reply").locator("blockquote", { hasText: "Hello, Bob" }).waitFor();
    await alice.act("a reply", "React with 👍");
    const reaction = bob.message("a reply").getByRole("button", { name: /^👍/ });
    await reaction.getByText("👍 1").waitFor();
    await reaction.click();
    await alice.message("a reply").getByRole("button", { name: "👍, 2" }).waitFor();
    await alice.act("a reply", "React with 👍");
    await reaction.getByText("👍 1").waitFor();
    await expectNoFaults(bob);
    await bob.act("a reply", "Edit");
    await bob.say("an edited reply");
    await alice.message("an edited reply").getByText("edited", { exact: true }).waitFor();
    await bob.act("an edited reply", "Delete for everybody");
    await bob.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await alice.message("Message deleted").waitFor();
    await bob.message("Message deleted").waitFor();
  });

  it("send pictures, with a thumbnail that opens", async () => {
    await alice.page
      .getByLabel("Files", { exact: true })
      .setInputFiles({ name: "gradient.png", mimeType: "image/png", buffer: png(640, 480) });
    await alice.page.locator(".uploads [data-status=ready]").waitFor();
    await alice.page.getByRole("button", { name: "Send" }).click();
    const image = bob.page.getByRole("button", { name: "Show gradient.png" });
    const widthOf = (picture: ReturnType<Page["locator"]>): Promise<number> =>
      picture.evaluate((element) => (element as HTMLImageElement).naturalWidth);
    await expect.poll(() => widthOf(image.locator("img"))).toBe(320);
    await image.click();
    // It was smaller than the larger thumbnail.
    await expect.poll(() => widthOf(bob.page.getByRole("dialog", { name: "gradient.png" }).locator("img"))).toBe(640);
    await bob.page.keyboard.press("Escape");
    await alice.picture("light");
    await bob.picture("dark-phone");
  });

  it("keep drafts", async () => {
    await alice.field.fill("not sent yet");
    await alice.page.reload();
    await alice.field.waitFor();
    expect(await alice.field.inputValue()).toBe("not sent yet");
    await alice.field.fill("");
  });

  it("write offline, and catch up with what was said meanwhile", async () => {
    await bob.page.context().setOffline(true);
    await bob.say("from the tunnel");
    await bob.message("from the tunnel").getByRole("button", { name: "On its way" }).waitFor();
    const backend = await Backend.of(alice.name);
    await backend.say(new URL(alice.page.url()).hash.slice(1), lines("meanwhile", MEANWHILE));
    await alice
      .message(`meanwhile ${MEANWHILE - 1}`)
      .getByRole("button", { name: "Sent" })
      .waitFor();
    await bob.page.context().setOffline(false);
    await alice.message("from the tunnel").waitFor();
    await bob.message(`meanwhile ${MEANWHILE - 1}`).waitFor();
    for (const { page } of [alice, bob]) {
      const texts = await page.locator(".message .text").allTextContents();
      expect(texts.slice(-MEANWHILE - 1)).toEqual([
        ...Array.from({ length: MEANWHILE }, (_, n) => `meanwhile ${n}`),
        "from the tunnel",
      ]);
    }
  });

  it("block each other", async () => {
    await alice.page.getByRole("button", { name: `${bob.name}: details` }).click();
    await alice.page.getByRole("button", { name: "Block" }).click();
    await alice.page.getByRole("button", { name: "Unblock", disabled: false }).waitFor();
    await bob.say("do you hear me?");
    await bob.message("do you hear me?").locator(".failed").waitFor();
    await alice.page.getByRole("button", { name: "Unblock" }).click();
    await alice.page.getByRole("button", { name: "Block", exact: true, disabled: false }).waitFor();
    await alice.page.getByRole("button", { name: "Close" }).click();
    await bob.message("do you hear me?").getByRole("button", { name: "Try again" }).click();
    await alice.message("do you hear me?").waitFor();
  });
});

describe("the page", () => {
  it("has no faults that axe finds, light and dark, wide and narrow", async () => {
    for (const person of [alice, bob]) await expectNoFaults(person);
  });

  it("has none in its dialogs", async () => {
    const { page } = alice;
    await page.getByRole("button", { name: `${bob.name}: details` }).click();
    await expectNoFaults(alice);
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "New", exact: true }).click();
    for (const tab of ["Person", "Group", "Public rooms"]) {
      await page.getByRole("tab", { name: tab }).click();
      await expectNoFaults(alice);
    }
    await page.getByRole("button", { name: "Close" }).click();
  });
});

describe("several people", () => {
  it("have groups, with removal and return, and mentions", async () => {
    const carol = await Person.signIn(browser, "Carol");
    const title = uniqueName("Garden");
    const { page } = alice;
    await page.getByRole("button", { name: "New", exact: true }).click();
    await page.getByRole("tab", { name: "Group" }).click();
    await page.getByLabel("Title").fill(title);
    await page.getByLabel("Add people").fill(carol.name);
    await page.getByRole("button", { name: `Add ${carol.name}` }).click();
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await carol.open(title);
    await alice.field.pressSequentially("Hello @Car");
    await page.getByRole("option", { name: `@${carol.name}` }).click();
    await alice.field.press("Enter");
    await carol.page.locator(".mention[data-me=true]", { hasText: carol.name }).waitFor();

    await page.getByRole("button", { name: `${title}: details` }).click();
    await page.getByRole("button", { name: `Remove ${carol.name}` }).click();
    await carol.page.getByText("You are not a member any more.").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await alice.say("between the two of us");
    await alice.message("between the two of us").getByRole("button", { name: "Sent" }).waitFor();
    await page.getByRole("button", { name: `${title}: details` }).click();
    await page.getByLabel("Add a person").fill(carol.name);
    await page.getByRole("button", { name: `Add ${carol.name}` }).click();
    await page.getByRole("button", { name: "Close" }).click();
    await carol.say("I am back");
    await alice.message("I am back").waitFor();
    expect(await carol.page.locator(".messages").textContent()).not.toContain("between the two of us");
    await carol.page.context().close();
  });

  it("meet in public rooms", async () => {
    const title = uniqueName("Plaza");
    const { page } = alice;
    // The list of rooms is asked for once: the room has to be there before.
    await alice.create(title, () => page.getByLabel("Everybody may join").check());
    await bob.page.getByRole("button", { name: "Back to the conversations" }).click();
    await bob.page.getByRole("button", { name: "New", exact: true }).click();
    await bob.page.getByRole("tab", { name: "Public rooms" }).click();
    await bob.page.getByLabel("Find").fill(title);
    await bob.page.locator(".rooms li", { hasText: title }).getByRole("button", { name: "Join" }).click();
    await bob.shows(title);
    await bob.say("What a nice room");
    await alice.message("What a nice room").waitFor();
  });

  it("search, and see a hit in its place", async () => {
    const word = uniqueName("zebra").replace(" ", "");
    await alice.say(`the ${word} crosses`);
    await alice.message(word).getByRole("button", { name: "Sent" }).waitFor();
    await expect
      .poll(
        async () => {
          await alice.page.getByLabel("Search people, conversations and messages").fill("");
          await alice.page.getByLabel("Search people, conversations and messages").fill(word);
          await alice.page.getByText("Searching…").waitFor({ state: "detached" });
          return alice.page.locator(".hit").count();
        },
        { timeout: 60_000 },
      )
      .toBe(1);
    await alice.page.locator(".hit").click();
    await alice.page.locator(".message[data-highlighted=true]", { hasText: word }).waitFor();
    await alice.page.getByLabel("Search people, conversations and messages").fill("");
  });
});
