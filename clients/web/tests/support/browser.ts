/** Chromium, and people who use the page in it. */

import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { inject } from "vitest";

const SCREENSHOTS = resolve(import.meta.dirname, "../../../../target/web");

/** Opens Chromium: that of `CHROMIUM`, or of the system. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** A name that no other test uses. */
export function uniqueName(name: string): string {
  return `${name} ${randomUUID().slice(0, 4)}`;
}

/** Somebody in a window of their own. */
export class Person {
  readonly name: string;
  readonly page: Page;

  private constructor(name: string, page: Page) {
    this.name = name;
    this.page = page;
  }

  /** Signs in. `prepare` has the page before it loads. */
  static async signIn(
    browser: Browser,
    name: string,
    options: BrowserContextOptions = {},
    prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
  ): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    const person = new Person(uniqueName(name), page);
    await prepare(page);
    await page.goto(inject("page"));
    await page.getByLabel("Your name").fill(person.name);
    await page.getByRole("button", { name: "Sign in" }).click();
    // The profile is there: others find it.
    await page.locator(".me .name", { hasText: person.name }).waitFor();
    return person;
  }

  /** Has somebody signed in under exactly this name. */
  static async open(browser: Browser, name: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    await page.goto(`${inject("page")}?as=${name}`);
    await page.locator(".me .name", { hasText: /\w/ }).waitFor();
    return new Person(name, page);
  }

  /** Begins a private conversation. */
  async writeTo(other: Person): Promise<void> {
    const { page } = this;
    await page.getByRole("button", { name: "New", exact: true }).click();
    await page.getByLabel("Name").fill(other.name);
    await page.getByRole("button", { name: `Write to ${other.name}` }).click();
    await this.shows(other.name);
  }

  /** Creates a group. `prepare` has the form with its title. */
  async create(title: string, prepare: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const { page } = this;
    await page.getByRole("button", { name: "New", exact: true }).click();
    await page.getByRole("tab", { name: "Group" }).click();
    await page.getByLabel("Title").fill(title);
    await prepare();
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await this.shows(title);
  }

  /** Waits until a conversation is open. */
  async shows(title: string): Promise<void> {
    await this.page.locator(".chat-header strong", { hasText: title }).waitFor();
    await this.field.waitFor();
  }

  /** A conversation of the list. */
  entry(title: string) {
    return this.page.locator(".entry", { has: this.page.locator(".conversation-title", { hasText: title }) });
  }

  /** Opens a conversation of the list. */
  async open(title: string): Promise<void> {
    await this.entry(title).locator(".conversation").click();
    await this.shows(title);
  }

  /** Goes back to the list, on a phone. */
  async back(): Promise<void> {
    await this.page.getByRole("button", { name: "Back to the conversations" }).click();
  }

  /** Opens the options of a conversation of the list. */
  async options(title: string): Promise<void> {
    await this.entry(title).hover();
    await this.page.getByRole("button", { name: `Options of ${title}` }).click();
  }

  /** Takes one of them. */
  async choose(title: string, option: string): Promise<void> {
    await this.options(title);
    await this.page.getByRole("dialog").getByRole("button", { name: option }).click();
    await this.page.getByRole("dialog").waitFor({ state: "detached" });
  }

  /** Says something. */
  async say(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press("Enter");
  }

  /** The field for messages. */
  get field() {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  /** The message that says this. */
  message(text: string) {
    return this.page.locator(".message", { hasText: text }).last();
  }

  /** Opens the actions of a message, and takes one. */
  async act(text: string, action: string): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole("button", { name: "Actions" }).click();
    await message.getByRole("button", { name: action, exact: true }).click();
  }

  /** Takes a picture of the window into `target/web`. */
  async picture(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: resolve(SCREENSHOTS, `${name}.png`) });
  }
}
