import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { launch, Person } from "./support/browser";

const HOUR = 3_600;

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
});

describe("a token that has expired", () => {
  it("is replaced at the first refusal", async () => {
    const asked: number[] = [];
    const [alice, bob] = await Promise.all([
      Person.signIn(browser, "Alice", {}, (page) => tokensFor(page, asked, [-HOUR])),
      Person.signIn(browser, "Bob"),
    ]);
    expect(asked.length).toBeGreaterThan(1);
    await chat(alice, bob);
  });

  it("has been replaced before, with a connection of the new one", async () => {
    const [asked, sockets]: [number[], string[]] = [[], []];
    const [alice, bob] = await Promise.all([
      Person.signIn(browser, "Alice", {}, async (page) => {
        page.on("websocket", (socket) => sockets.push(socket.url()));
        await page.clock.install();
        await tokensFor(page, asked, [HOUR]);
      }),
      Person.signIn(browser, "Bob"),
    ]);
    await chat(alice, bob);
    const before = { asked: asked.length, sockets: sockets.length };
    const renewed = alice.page.waitForEvent("websocket");
    await alice.page.clock.fastForward("01:01:00");
    await renewed;
    await alice.say("after an hour");
    await bob.message("after an hour").waitFor();
    await bob.say("welcome back");
    await alice.message("welcome back").waitFor();
    expect(asked.length).toBeGreaterThan(before.asked);
    expect(sockets.length).toBeGreaterThan(before.sockets);
  });
});

async function chat(alice: Person, bob: Person): Promise<void> {
  await alice.writeTo(bob);
  await alice.say("Hello");
  await bob.open(alice.name);
  await bob.message("Hello").waitFor();
}

/** Has the issuer give tokens with these lifetimes in seconds, and later ones with four hours. */
async function tokensFor(page: Page, asked: number[], lifetimes: readonly number[]): Promise<void> {
  await page.route(inject("endpoints").oidc_token, async (route) => {
    const request = route.request();
    if (request.method() !== "POST") return route.continue();
    const expires_in = lifetimes[asked.length] ?? 4 * HOUR;
    asked.push(expires_in);
    await route.continue({ postData: JSON.stringify({ ...(request.postDataJSON() as object), expires_in }) });
  });
}
