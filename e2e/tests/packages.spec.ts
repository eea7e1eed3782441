import { expect, test, type Page } from "@playwright/test";
import { fresh } from "./support/demo.js";
import { sound } from "./support/look.js";
import { haveNode, next, onStep, ready } from "./support/steps.js";

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

// A bucket from a pasted list: what is read joins the list, what is not stays in the box with the reason.
async function bucket(page: Page, name: string) {
  await page.goto("/packages");
  await page.getByRole("link", { name: "New bucket" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Paste a list").fill("sudo apt install -y curl jq\n- htop # to look at it\nPlease read this\n");
  await page.getByRole("button", { name: "Save bucket" }).last().click();
  await expect(page.getByText("Line 3:")).toBeVisible();
  await expect(page.getByLabel("Paste a list")).toHaveValue("Please read this");
  await expect(page.getByRole("textbox", { name: "Version of jq" })).toBeVisible();
  await page.getByLabel("Paste a list").fill("");
  await page.getByRole("button", { name: "Save bucket" }).last().click();
  await expect(page.getByRole("heading", { level: 1, name: "Packages" })).toBeVisible();
  await expect(page.getByRole("link", { name })).toBeVisible();
}

const sum = (page: Page) => page.locator("#sum");

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a bucket is made, switched on in the wizard, and installed", async ({ page }) => {
      const wanted = fresh();
      const name = `Tools ${wanted.vmid}`;
      await haveNode(page, wanted.node);
      await bucket(page, name);
      if (javaScriptEnabled) await sound(page, "the list of buckets");
      await page.goto("/containers/new?template=nginx");
      await page.getByLabel("Hostname").fill(wanted.hostname);
      await page.getByLabel("VMID").fill(wanted.vmid);
      await next(page, "Packages");
      await page.getByRole("checkbox", { name: new RegExp(name) }).check();
      await page.getByLabel("More packages").fill("git\napk:git");
      if (javaScriptEnabled) await page.getByLabel("More packages").blur();
      else await page.getByRole("button", { name: "Work it out again" }).click();
      await expect(sum(page)).toContainText("jq");
      await expect(sum(page)).toContainText("apk packages are skipped");
      if (javaScriptEnabled) await sound(page, "packages with a bucket");

      // Deleted in another tab: its packages stay.
      const other = await page.context().newPage();
      await other.goto("/packages");
      await other.getByRole("link", { name }).click();
      if (javaScriptEnabled) await sound(other, "a bucket");
      await other.getByRole("link", { name: "Delete" }).click();
      await expect(other.getByText(wanted.hostname)).toBeVisible();
      if (javaScriptEnabled) await sound(other, "the question before a bucket is deleted");
      await other.getByRole("button", { name: "Delete bucket" }).click();
      await expect(other.getByText(`Deleted ${name}`)).toBeVisible();
      await page.getByRole("button", { name: "Work it out again" }).click();
      await expect(page.getByText("This bucket was deleted.")).toBeVisible();

      await page.getByLabel("More packages").fill("git");
      await next(page, "Scripts");
      await next(page, "Review");
      await page.getByRole("button", { name: "Create container" }).click();
      await ready(page, wanted);
      await expect(page.locator("[data-step]").filter({ hasText: "apt:" })).toContainText("Done");
      await expect(page.getByRole("log")).toContainText("Setting up jq");
      await expect(page.getByRole("log")).toContainText("Setting up git");
    });
  });
}
