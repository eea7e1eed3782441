import { expect, test, type Page } from "@playwright/test";
import { fresh } from "./support/demo.js";
import { sound } from "./support/look.js";
import { haveNode, next, onStep } from "./support/steps.js";

const first = "10-status-password.sh";
const second = "20-start.sh";

// The wizard with the two scripts of nginx, at the step that orders them.
async function scripts(page: Page) {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await page.goto("/containers/new?template=nginx");
  await page.getByLabel("Hostname").fill(wanted.hostname);
  await page.getByLabel("VMID").fill(wanted.vmid);
  await next(page, "Packages");
  await next(page, "Scripts");
}

const order = (page: Page) => page.locator("[data-reorder-item]").evaluateAll((items) => items.map((item) => (item as HTMLElement).dataset.reorderItem));

test("scripts are put in order by drag, and by keyboard with the focus on the button", async ({ page }) => {
  await scripts(page);
  expect(await order(page)).toEqual([first, second]);
  const handle = (name: string) => page.locator(`[data-reorder-item="${name}"] [data-reorder-handle]`);
  await handle(second).dragTo(handle(first));
  await expect.poll(() => order(page)).toEqual([second, first]);
  await expect(page.locator("#announcer")).toHaveText(`${second} moved to place 1 of 2`);

  const down = page.getByRole("button", { name: `Move ${second} down` });
  await down.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => order(page)).toEqual([first, second]);
  await expect(down).toBeFocused();
  await expect(page.locator("#announcer")).toHaveText(`${second} moved to place 2 of 2`);
  // At the edge it stays, says so, and keeps the focus.
  await expect(down).toHaveAttribute("aria-disabled", "true");
  await page.keyboard.press("Enter");
  await expect(page.locator("#announcer")).toHaveText(`${second} stays in place 2 of 2`);
  await expect(down).toBeFocused();
  await page.getByRole("button", { name: `Move ${first} down` }).press("Space");
  await expect.poll(() => order(page)).toEqual([second, first]);

  // The form sends the order that is shown.
  await next(page, "Review");
  await page.goBack();
  await page.reload();
  expect(await order(page)).toEqual([second, first]);

  await page.getByText("Show what it does").first().click();
  await expect(page.locator("[data-script] pre").first()).toContainText("nginx");
  await sound(page, "scripts in order");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("scripts are put in order by their buttons and read on a page of their own", async ({ page }) => {
    await scripts(page);
    await page.getByRole("button", { name: `Move ${second} up` }).click();
    await onStep(page, "Scripts");
    await expect(page).toHaveURL(/#script-1$/);
    expect(await order(page)).toEqual([second, first]);
    await page.getByText("Show what it does").first().click();
    await page.getByRole("link", { name: `Open ${second}` }).click();
    await expect(page.getByRole("heading", { level: 1, name: second })).toBeVisible();
    await page.getByRole("link", { name: "Back to the scripts" }).click();
    expect(await order(page)).toEqual([second, first]);
  });
});
