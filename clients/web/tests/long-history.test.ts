import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { Backend, lines } from "./support/backend";
import { launch, Person } from "./support/browser";

/** Messages of the history. */
const COUNT = Number(process.env.HISTORY_MESSAGES ?? 10_000);

/** Most of it goes by while they are written. */
const TIMEOUT_MS = 600_000;

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
});

it(
  "scrolls up through a long history and back, in order, and stays where one reads",
  { timeout: TIMEOUT_MS },
  async () => {
    const alice = await Person.signIn(browser, "Alice");
    const id = await longConversation(alice.name);
    await alice.page.goto(`${inject("page")}#${id}`);
    await alice.message(`line ${COUNT - 1}`).waitFor();
    const { seen, rows, gap, jumps, disordered } = await alice.page.evaluate(scrollUp);
    console.log(`${COUNT} messages up: the longest gap between frames was ${Math.round(gap)} ms, at most ${rows} rows`);
    expect(seen).toEqual(Array.from({ length: COUNT }, (_, n) => `line ${n}`));
    expect(rows).toBeLessThanOrEqual(200);
    expect({ jumps, disordered }).toEqual({ jumps: [], disordered: [] });

    await alice.page.mouse.move(800, 400);
    await alice.page.mouse.wheel(0, 4_000);
    await alice.message("line 100").waitFor();
    await alice.page.getByRole("button", { name: "To the newest message" }).click();
    await alice.message(`line ${COUNT - 1}`).waitFor();
    await alice.say("the last line");
    await alice.message("the last line").getByRole("button", { name: "Sent" }).waitFor();
  },
);

/** Runs in the page. Scrolls to the beginning, a step a frame, and notes what it sees. */
async function scrollUp(): Promise<{
  seen: string[];
  rows: number;
  gap: number;
  jumps: string[];
  disordered: string[];
}> {
  const STEP = 1_200;
  const list = document.querySelector(".list");
  if (list === null) throw new Error("no list");
  const seen = new Set<string>();
  const [jumps, disordered]: [string[], string[]] = [[], []];
  let [rows, gap, last] = [0, 0, performance.now()];
  const look = (): Element[] => {
    const all = [...list.querySelectorAll(".message")];
    rows = Math.max(rows, list.querySelectorAll(".messages > li").length);
    const numbers = all.map((row) => Number(row.querySelector(".text")?.textContent.slice(5)));
    for (const number of numbers) seen.add(`line ${number}`);
    if (numbers.some((number, index) => number !== (numbers[0] ?? 0) + index)) disordered.push(numbers.join());
    return all;
  };
  const frame = async (): Promise<void> => {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    gap = Math.max(gap, performance.now() - last);
    last = performance.now();
  };
  const top = (row: Element): number => row.getBoundingClientRect().top;
  while (!list.textContent.includes("The beginning") || list.scrollTop > 0) {
    const reading = look().find((row) => top(row) > 100);
    const from = reading === undefined ? 0 : top(reading);
    const by = Math.min(STEP, list.scrollTop);
    list.scrollTop -= by;
    await frame();
    // What is read moves as far as one scrolls, whatever comes above and goes below.
    if (reading?.isConnected === true && Math.abs(top(reading) - from - by) > 1)
      jumps.push(`${reading.textContent}: ${top(reading) - from} instead of ${by}`);
  }
  look();
  const order = (line: string): number => Number(line.slice(5));
  return { seen: [...seen].sort((a, b) => order(a) - order(b)), rows, gap, jumps, disordered };
}

/** Makes a conversation of one user over HTTP. */
async function longConversation(username: string): Promise<string> {
  const backend = await Backend.of(username);
  const { conversation_id } = await backend.ask<{ conversation_id: string }>("POST", "/v1/conversations", {
    type: "group",
    title: "Long",
  });
  await backend.say(conversation_id, lines("line", COUNT));
  return conversation_id;
}
