import { expect, test } from "@playwright/test";
import { fresh, nobody, plant } from "./support/demo.js";
import { addNode, card, create, logIn, openContainer, ready } from "./support/steps.js";

test.afterEach(() => plant([]));

test.describe("from the login on", () => {
  test.use({ storageState: nobody });

  test("a node, a container, and a second one while the first is made", async ({ page, context }) => {
    const [first, second] = [fresh(), fresh()];
    await logIn(page);
    await addNode(page, first.node);
    // The first takes long enough for the wizard to be walked through a second time.
    await plant([{ kind: "slow-task", seconds: 20, task: "vzcreate", count: 1 }]);
    await create(page, first);
    await expect(page.locator("[data-stream=live]")).toBeVisible();
    await expect(page.getByRole("log")).toContainText(`Creating container ${first.vmid}`);

    const other = await context.newPage();
    await create(other, second);
    const itsCreation = other.url();
    await other.goto("/");
    await expect(other.getByRole("region", { name: "Being created" })).toContainText(first.hostname);
    await expect(card(other, second)).toBeVisible();
    await expect(page.getByRole("heading", { name: `${first.hostname} is ready` })).toBeHidden();

    // Live, without a reload: the page was open all the time.
    await ready(page, first);
    await expect(page.getByRole("progressbar", { name: "Progress" })).toHaveAttribute("value", "100");
    for (const phase of await page.locator(".phases [data-phase]").all()) {
      await expect(phase).toHaveClass(/step-done/);
    }
    await expect(page.locator("[data-step]").filter({ hasText: "20-start.sh" })).toContainText("Done");
    await expect(page.getByRole("log")).toContainText("nginx serves /var/www/html on port 80");
    await openContainer(page, first);

    await other.goto(itsCreation);
    await ready(other, second);
    await openContainer(other, second);

    await page.goto("/");
    for (const wanted of [first, second]) {
      await expect(card(page, wanted)).toContainText("Running");
      await expect(card(page, wanted).getByRole("link", { name: /nginx :80\b/ })).toBeVisible();
    }
  });

  test("logging out ends the session", async ({ page }) => {
    await logIn(page);
    await page.locator("summary", { hasText: "Account:" }).click();
    await page.getByRole("button", { name: "Log out" }).click();
    await expect(page.getByRole("heading", { name: "Log in to Berth" })).toBeVisible();
    await page.goto("/settings/nodes");
    await expect(page).toHaveURL(/\/login\?next=/);
  });
});
