// Somebody who has not added a node yet.
import { expect, test } from "@playwright/test";
import { account, nobody } from "./support/demo.js";
import { sound } from "./support/look.js";
import { logIn } from "./support/steps.js";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled, storageState: nobody });

    test("every page works and leads to adding one", async ({ page }) => {
      const trouble: string[] = [];
      page.on("response", (response) => response.status() >= 400 && trouble.push(`${response.status()} ${response.url()}`));
      page.on("pageerror", (error) => trouble.push(error.message));
      await logIn(page, await account());
      for (const path of ["/", "/containers/new"]) {
        await page.goto(path);
        await expect(page.getByRole("heading", { name: "Add your first node" })).toBeVisible();
        await expect(page.getByRole("link", { name: "Create container" })).toHaveCount(0);
        await expect(page.getByRole("main").getByRole("link", { name: "Add node" })).toHaveAttribute("href", "/settings/nodes/new");
        if (javaScriptEnabled) await sound(page, `without nodes ${path}`);
      }
      await page.goto("/settings/nodes");
      await expect(page.getByRole("heading", { name: "No nodes yet" })).toBeVisible();
      if (javaScriptEnabled) await sound(page, "without nodes: the list of nodes");
      for (const path of ["/templates", "/packages", "/settings", "/settings/sessions"]) {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      }
      await page.goto("/templates/nginx");
      await expect(page.getByRole("heading", { level: 1 })).toContainText("nginx");
      if (javaScriptEnabled) await sound(page, "without nodes: a container template");
      expect(trouble).toEqual([]);
      await page.goto("/settings/nodes");
      await page.getByRole("main").getByRole("link", { name: "Add node" }).click();
      await expect(page.getByLabel("Token ID")).toBeVisible();
    });
  });
}
