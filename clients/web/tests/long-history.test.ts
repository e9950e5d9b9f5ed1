import { randomUUID } from "node:crypto";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { launch, Person } from "./support/browser";

/** Messages of the history. */
const COUNT = Number(process.env.HISTORY_MESSAGES ?? 1_000);

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
});

it("scrolls up through a long history, in order, and stays where one reads", async () => {
  const alice = await Person.signIn(browser, "Alice");
  const id = await longConversation(alice.name);
  await alice.page.goto(`${inject("page")}#${id}`);
  await alice.message(`line ${COUNT - 1}`).waitFor();
  const list = alice.page.getByRole("region", { name: "Messages" });
  const slowest = await alice.page.evaluate(async () => {
    const list = document.querySelector(".list");
    if (list === null) throw new Error("no list");
    let slowest = 0;
    while (!list.textContent.includes("The beginning")) {
      const before = performance.now();
      list.scrollTop -= 600;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      slowest = Math.max(slowest, performance.now() - before);
    }
    return slowest;
  });
  console.log(`${COUNT} messages; the slowest frame took ${Math.round(slowest)} ms`);
  await list.evaluate((element) => element.scrollTo(0, 0));
  const texts = await alice.page.locator(".message .text").allTextContents();
  expect(texts).toEqual(Array.from({ length: COUNT }, (_, n) => `line ${n}`));
  await alice.page.getByRole("button", { name: "To the newest message" }).click();
  await alice.message(`line ${COUNT - 1}`).waitFor();
});

/** Makes a conversation of one user over HTTP. */
async function longConversation(username: string): Promise<string> {
  const { http, oidc_token } = inject("endpoints");
  const issued = await fetch(oidc_token, { method: "POST", body: JSON.stringify({ username }) });
  const { access_token } = (await issued.json()) as { access_token: string };
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(http + path, {
      method: "POST",
      headers: { authorization: `Bearer ${access_token}` },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as T;
  };
  const { conversation_id } = await post<{ conversation_id: string }>("/v1/conversations", {
    type: "group",
    title: "Long",
  });
  for (let from = 0; from < COUNT; from += 25) {
    const messages = Array.from({ length: Math.min(25, COUNT - from) }, (_, n) => ({
      client_message_id: randomUUID(),
      text: `line ${from + n}`,
    }));
    await post(`/v1/conversations/${conversation_id}/messages`, { messages });
  }
  return conversation_id;
}
