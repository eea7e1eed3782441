// The dashboard: what is found, how it is shown, and that it follows by itself.
import { expect, test, type Page } from "@playwright/test";
import { fresh } from "./support/demo.js";
import { haveNode } from "./support/steps.js";

const items = (page: Page) => page.locator("#containers [data-item]");

// Several nodes may be there, and the same container on each.
async function expectOnly(page: Page, name: string) {
  await expect(items(page).filter({ hasNotText: name })).toHaveCount(0);
  await expect(items(page).first()).toContainText(name);
}

test("a container is found by keyboard, and the address keeps how", async ({ page }) => {
  await haveNode(page, fresh().node);
  await page.goto("/");
  await expect(items(page).filter({ hasText: "gitea" })).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("gitea 104");
  await expectOnly(page, "gitea");
  await expect(page).toHaveURL(/\?q=gitea\+104/);
  await page.reload();
  await expectOnly(page, "gitea");
  await expect(items(page).first()).toContainText("Running");
  await page.getByRole("searchbox").fill("there is none");
  await expect(page.getByRole("heading", { name: "Nothing matches" })).toBeVisible();
  await page.getByRole("link", { name: "Show all" }).click();
  await page.getByRole("navigation", { name: "Containers by status" }).getByRole("link", { name: /Stopped/ }).click();
  await expect(page).toHaveURL(/status=stopped/);
  await expect(items(page).filter({ hasText: "homeassistant" })).toBeVisible();
  await expect(items(page).filter({ hasText: "gitea" })).toHaveCount(0);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
});

test("it says when it asks again, can be paused, and goes on", async ({ page }) => {
  await haveNode(page, fresh().node);
  await page.goto("/?view=table");
  await expect(page.locator("[data-live-text]")).toHaveText(/^Live, next update in \d+ s$/);
  await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "ascending");
  await page.keyboard.press("p");
  await expect(page.locator("[data-live-text]")).toHaveText("Paused");
  // The nodes go on being asked while the page is open: that there is news is said, and nothing moves.
  const version = await page.locator("#containers").getAttribute("data-version");
  await expect(page.locator("[data-live-text]")).toHaveText("Paused, there is news");
  await expect(page.locator("#containers")).toHaveAttribute("data-version", version!);
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.locator("#containers")).not.toHaveAttribute("data-version", version!);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a container is searched, sorted and shown in a table", async ({ page }) => {
    await haveNode(page, fresh().node);
    await expect(async () => {
      await page.goto("/");
      await expect(items(page).filter({ hasText: "gitea" })).toBeVisible({ timeout: 100 });
    }).toPass();
    await page.getByRole("searchbox").fill("git");
    await page.getByRole("button", { name: "Show" }).click();
    await expectOnly(page, "gitea");
    await page.getByRole("link", { name: "Table" }).click();
    await page.getByRole("link", { name: "Clear filters" }).click();
    await page.getByRole("link", { name: "VMID" }).click();
    await expect(page.getByRole("columnheader", { name: "VMID" })).toHaveAttribute("aria-sort", "ascending");
    await expect(items(page).first()).toContainText("101");
  });
});
