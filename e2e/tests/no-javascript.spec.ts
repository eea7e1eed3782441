import { expect, test } from "@playwright/test";
import { fresh, nobody, plant } from "./support/demo.js";
import { addNode, card, create, creation, logIn, onStep, openContainer, ready } from "./support/steps.js";

test.use({ javaScriptEnabled: false, storageState: nobody });
test.afterEach(() => plant([]));

test("the whole path works without JavaScript", async ({ page }) => {
  const [made, failed] = [fresh(), fresh()];
  await logIn(page);
  await addNode(page, made.node);

  await create(page, made);
  // The page asks for itself anew until the end.
  await ready(page, made);
  await expect(page.getByRole("log")).toContainText("nginx serves /var/www/html on port 80");
  await openContainer(page, made);
  await page.goto("/");
  await expect(card(page, made)).toContainText("Running");

  await plant([{ kind: "fail-task", message: "no luck", task: "vzcreate", count: 1 }]);
  await create(page, failed);
  await expect(page.getByText("no luck").first()).toBeVisible(creation);
  await page.getByRole("link", { name: /Remove and start over/ }).click();
  await expect(page.getByRole("heading", { name: `Remove ${failed.hostname} and start over?` })).toBeVisible();
  await page.getByRole("button", { name: "Remove and start over" }).click();
  await onStep(page, "Configure");
  await expect(page.getByLabel("Hostname")).toHaveValue(failed.hostname);

  await page.locator("summary", { hasText: "Account:" }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("heading", { name: "Log in to Berth" })).toBeVisible();
});
