import { expect, test } from "@playwright/test";
import { account, fresh, nobody, plant } from "./support/demo.js";
import { sound } from "./support/look.js";
import { addNode, create, logIn } from "./support/steps.js";

test.use({ storageState: nobody });
test.afterEach(() => plant([]));

test("logging out elsewhere ends pages and streams that are open there", async ({ page, browser }) => {
  const guest = await account();
  await logIn(page, guest);
  const [streaming, listing] = await Promise.all([browser.newPage(), browser.newPage()]);
  await logIn(streaming, guest);
  await addNode(streaming, fresh().node);
  await plant([{ kind: "slow-task", seconds: 300, task: "vzcreate", count: 1 }]);
  await create(streaming, fresh());
  await expect(streaming.locator("[data-stream=live]")).toBeVisible();
  await logIn(listing, guest);
  await listing.goto("/settings/nodes");

  await page.goto("/settings/sessions");
  const sessions = page.getByRole("main").getByRole("listitem");
  await expect(sessions).toHaveCount(3);
  await expect(sessions.first()).toContainText("This browser");
  await expect(sessions.first()).toContainText("127.0.0.1");
  await sound(page, "sessions");
  await page.getByRole("button", { name: "Log out my other sessions" }).click();
  await expect(page.getByText("Logged out 2 other sessions")).toBeVisible();
  await expect(sessions).toHaveCount(1);

  await expect(streaming).toHaveURL(/\/login\?next=/);
  // The list asks for itself anew now and then.
  await expect(listing).toHaveURL(/\/login/);
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1, name: "Containers" })).toBeVisible();
  await Promise.all([streaming, listing].map((other) => other.close()));
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("one other session is logged out, and no more", async ({ page, browser }) => {
      const guest = await account();
      const others = await Promise.all([browser.newPage(), browser.newPage()]);
      for (const each of [page, ...others]) await logIn(each, guest);
      await page.goto("/settings/sessions");
      await page.getByRole("button", { name: /^Log out \S+/ }).filter({ hasNotText: "my other" }).first().click();
      await expect(page.getByText("Logged that browser out")).toBeVisible();
      await expect(page.getByRole("main").getByRole("listitem")).toHaveCount(2);
      for (const each of others) await each.goto("/");
      const inside = await Promise.all(others.map((each) => each.getByRole("heading", { name: "Containers" }).isVisible()));
      expect(inside.sort()).toEqual([false, true]);
      await Promise.all(others.map((each) => each.close()));
    });
  });
}

test("after logging out, the back button shows nothing", async ({ page }) => {
  await logIn(page, await account());
  await page.goto("/settings");
  await page.locator("summary", { hasText: "Account:" }).click();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Log in to Berth" })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Log in to Berth" })).toBeVisible();
});
