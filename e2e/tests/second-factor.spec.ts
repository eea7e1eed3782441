import { expect, test, type Page } from "@playwright/test";
import { account, demo, nobody } from "./support/demo.js";
import { sound } from "./support/look.js";
import { fillLogin, giveLogin, logIn } from "./support/steps.js";
import { totp } from "./support/totp.js";

const secret = "JBSWY3DPEHPK3PXP";
const asked = (page: Page) => page.getByRole("heading", { level: 1, name: "Second factor" });
const inside = (page: Page) => page.getByRole("heading", { level: 1, name: "Containers" });
const enter = (page: Page) => page.getByRole("button", { name: "Log in" }).click();

// A code that is wrong now and for the steps beside it.
function wrongCode() {
  const near = [-30_000, 0, 30_000, 60_000].map((shift) => totp(secret, Date.now() + shift));
  return ["000000", "111111", "222222", "333333", "444444"].find((code) => !near.includes(code))!;
}

test.use({ storageState: nobody });

test.beforeAll(async ({ browser }) => {
  // The host's certificate is trusted, whichever test is the first.
  const page = await browser.newPage();
  await logIn(page);
  await page.close();
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("the code of an authenticator app; a wrong one logs nobody in", async ({ page }) => {
      const guest = await account({ totp: secret });
      await giveLogin(page, guest, asked(page));
      await expect(page.getByText(`${guest.user}@pve on ${demo.host}:${demo.port}`)).toBeVisible();
      await page.getByLabel("Code").fill(wrongCode());
      await enter(page);
      await expect(page.getByLabel("Code")).toHaveAccessibleDescription(/This code was not accepted/);
      await page.goto("/");
      await expect(page).toHaveURL(/\/login$/);
      await page.goto("/login/second-factor");
      await page.getByLabel("Code").fill(totp(secret));
      await enter(page);
      await expect(inside(page)).toBeVisible();
    });

    test("a recovery key, which works only once", async ({ page }) => {
      const guest = await account({ totp: secret, recovery: ["0123-4567-89ab-cdef", "1123-4567-89ab-cdef"] });
      for (const works of [true, false]) {
        await page.context().clearCookies();
        await giveLogin(page, guest, asked(page));
        await page.getByRole("link", { name: "Use a recovery key instead" }).click();
        await page.getByLabel("Recovery key").fill("0123-4567-89ab-cdef");
        await enter(page);
        if (works) await expect(inside(page)).toBeVisible();
        else await expect(page.getByLabel("Recovery key")).toHaveAttribute("aria-invalid", "true");
      }
    });

    test("an account with nothing but a security key is told what to do", async ({ page }) => {
      const notice = page.getByText("This account has only a security key as its second factor.");
      await giveLogin(page, await account({ webauthn: true }), notice);
      await page.goto("/");
      await expect(page).toHaveURL(/\/login/);
    });

    test("starting over asks for the password again", async ({ page }) => {
      await giveLogin(page, await account({ totp: secret }), asked(page));
      await page.getByRole("link", { name: "Start over" }).click();
      await expect(page.getByLabel("Password", { exact: true })).toBeVisible();
      await logIn(page, await account());
    });
  });
}

test("where the first page was to lead, the second leads", async ({ page }) => {
  await page.goto("/settings/nodes");
  await expect(page).toHaveURL(/\/login\?next=/);
  const next = page.url();
  const guest = await account({ totp: secret });
  await fillLogin(page, guest, next);
  await enter(page);
  await page.getByLabel("Code").fill(totp(secret));
  await enter(page);
  await expect(page.getByRole("heading", { level: 1, name: "Nodes" })).toBeVisible();
});

test("a code that was used is not accepted again", async ({ page }) => {
  const guest = await account({ totp: secret });
  await giveLogin(page, guest, asked(page));
  const code = totp(secret);
  await page.getByLabel("Code").fill(code);
  await enter(page);
  await expect(inside(page)).toBeVisible();
  await page.context().clearCookies();
  await giveLogin(page, guest, asked(page));
  await page.getByLabel("Code").fill(code);
  await enter(page);
  await expect(page.getByLabel("Code")).toHaveAccessibleDescription(/This code was not accepted/);
});

test("too many wrong codes end the login", async ({ page }) => {
  await giveLogin(page, await account({ totp: secret }), asked(page));
  const ended = page.getByText("That login has ended.");
  for (let tries = 0; tries < 5; tries += 1) {
    await page.getByLabel("Code").fill(wrongCode());
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await enter(page);
    await answered;
  }
  await expect(ended).toBeVisible();
});

test("how it looks", async ({ page }) => {
  await giveLogin(page, await account({ totp: secret, recovery: ["0123-4567-89ab-cdef"], webauthn: true }), asked(page));
  await expect(page.getByText("This account also has a security key.")).toBeVisible();
  await sound(page, "second factor");
  await page.getByLabel("Code").fill(wrongCode());
  await enter(page);
  await expect(page.getByLabel("Code")).toHaveAttribute("aria-invalid", "true");
  await sound(page, "second factor with a wrong code");
  const only = page.getByText("This account has only a security key as its second factor.");
  await giveLogin(page, await account({ webauthn: true }), only);
  await sound(page, "only a security key");
  await page.goto("/login?ended=1");
  await expect(page.getByText("That login has ended.")).toBeVisible();
  await sound(page, "a login that has ended");
});
