import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { launch, uniqueName } from "./support/browser";
import { HostedSignIn } from "./support/hosted-sign-in";

let browser: Browser;
let hosted: HostedSignIn;
let page: Page;
let username: string;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
});

beforeEach(async () => {
  username = uniqueName("hosted").replace(" ", "");
  hosted = await HostedSignIn.start(username);
  const context = await browser.newContext();
  context.setDefaultTimeout(30_000);
  const { http, websocket } = inject("endpoints");
  await context.route("**/deployment.json", (route) =>
    route.fulfill({ json: { http, websocket, sign_in: hosted.described } }),
  );
  page = await context.newPage();
});

afterEach(async () => {
  await page.context().close();
  hosted.stop();
});

describe("the sign-in at an issuer's page", () => {
  it("exchanges the code with the verifier of this browser, and leaves no code in the address", async () => {
    await signIn();
    expect(page.url()).toBe(inject("page"));
    const [asked] = hosted.to("/oauth2/authorize");
    expect(asked?.fields).toMatchObject({ response_type: "code", client_id: "web", code_challenge_method: "S256" });
    expect(hosted.to("/oauth2/token").map(({ fields }) => fields.grant_type)).toEqual(["authorization_code"]);
  });

  it("goes on after a reload, with the refresh token", async () => {
    await signIn();
    await page.reload();
    // The name is there before the first request.
    await page.locator(".me .name", { hasText: username }).waitFor();
    await expect
      .poll(() => hosted.to("/oauth2/token").at(-1)?.fields, { timeout: 30_000 })
      .toMatchObject({ grant_type: "refresh_token", refresh_token: "refresh", client_id: "web" });
    expect(hosted.to("/oauth2/authorize").length).toBe(1);
  });

  it("asks for another one once the refresh token has ended", async () => {
    await signIn();
    hosted.acceptsRefresh = false;
    await page.reload();
    await page.getByText("Your sign-in has ended.").waitFor();
    hosted.acceptsRefresh = true;
    await signIn();
  });

  it("takes no code that it has not asked for", async () => {
    await page.goto(`${inject("page")}?code=stolen&state=forged`);
    await page.getByRole("alert").getByText("This sign-in was not begun in this window.").waitFor();
    expect(page.url()).toBe(inject("page"));
    expect(hosted.to("/oauth2/token")).toEqual([]);
    await page.goto(`${inject("page")}?error=access_denied&error_description=Not+today&state=forged`);
    await page.getByRole("alert").waitFor();
    expect(hosted.to("/oauth2/token")).toEqual([]);
  });

  it("ends at the issuer, too", async () => {
    await signIn();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await expect
      .poll(() => hosted.to("/logout").map(({ fields }) => fields), { timeout: 30_000 })
      .toEqual([{ client_id: "web", logout_uri: inject("page") }]);
    await page.reload();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(hosted.to("/oauth2/token").length).toBe(1);
  });
});

async function signIn(): Promise<void> {
  if (page.url() === "about:blank") await page.goto(inject("page"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(".me .name", { hasText: username }).waitFor();
}
