import { expect, test } from "@playwright/test";
import { session } from "./support/demo.js";
import { logIn } from "./support/steps.js";

test("the first login trusts the host's certificate", async ({ page }) => {
  await logIn(page);
  await page.goto("/settings");
  await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
  await page.context().storageState({ path: session });
});
