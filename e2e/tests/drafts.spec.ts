import { expect, type Page, test } from "@playwright/test";
import { fresh, plant } from "./support/demo.js";
import { create, haveNode, next, onStep, review } from "./support/steps.js";

test.afterEach(() => plant([]));

// A draft at its second step.
async function configure(page: Page, hostname = "") {
  await haveNode(page, fresh().node);
  await page.goto("/containers/new?template=nginx");
  await onStep(page, "Configure");
  if (hostname) await page.getByLabel("Hostname").fill(hostname);
}

const unfinished = (page: Page) => page.getByRole("region", { name: "Continue where you left off" });

test("while a VMID is typed it is available, taken, or could not be checked", async ({ page, context }) => {
  const wanted = fresh();
  await configure(page, wanted.hostname);
  const field = page.getByLabel("VMID");
  await expect(page.locator("#vmid-check")).toHaveAttribute("aria-live", "polite");
  await field.fill("101");
  await expect(field).toHaveAccessibleDescription(/^Taken by .+ on pve$/);
  await field.fill(wanted.vmid);
  await expect(field).toHaveAccessibleDescription("Available");
  await field.fill("99");
  await expect(field).toHaveAccessibleDescription(/100 to 999999999/);

  // Without an answer the last one does not stay.
  await field.fill(wanted.vmid);
  await expect(field).toHaveAccessibleDescription("Available");
  await context.setOffline(true);
  await field.fill("102");
  await expect(field).toHaveAccessibleDescription(/Could not check/);
  const offline = page.getByRole("alert").filter({ hasText: "Berth does not answer" });
  await expect(offline).toBeVisible();
  await context.setOffline(false);
  await field.fill("101");
  await expect(field).toHaveAccessibleDescription(/Taken by/);
  await expect(offline).toBeHidden();

  await page.getByRole("button", { name: "Next free" }).click();
  await expect(field).toHaveAccessibleDescription("Available");
  await expect(field).not.toHaveValue("101");
  // What the button has stored is not news to this page.
  await next(page, "Packages");
});

test("a draft is resumed where it stands, discarded, and brought back", async ({ page }) => {
  const { hostname, vmid } = fresh();
  await review(page, { hostname, vmid });
  await page.goto("/containers/new");
  const draft = unfinished(page).getByRole("listitem").filter({ hasText: hostname });
  await expect(draft).toContainText(vmid);
  await expect(draft).toContainText("Ready to create");
  await draft.getByRole("link", { name: `Resume ${hostname}` }).click();
  await onStep(page, "Review");

  await page.goto("/containers/new");
  await draft.getByRole("button", { name: `Discard ${hostname}` }).click();
  await expect(page.getByText(`Discarded ${hostname}`)).toBeVisible();
  await expect(draft).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(draft).toBeVisible();
  await draft.getByRole("button", { name: `Discard ${hostname}` }).click();
  await expect(draft).toBeHidden();
});

test("two tabs on one draft do not overwrite each other", async ({ page, context }) => {
  const { hostname } = fresh();
  await configure(page, hostname);
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByLabel("Hostname").fill(`${hostname}-b`);
  await other.getByRole("button", { name: "Continue" }).last().click();
  await expect(other.getByLabel("Hostname")).toHaveValue(`${hostname}-b`);

  await page.getByRole("button", { name: "Continue" }).last().click();
  await expect(page.getByRole("alert").first()).toContainText("changed in another tab");
  await expect(page.getByLabel("Hostname")).toHaveValue(hostname);
  await page.getByRole("link", { name: /Show the other/ }).click();
});

test("a double click on Create makes one container, and Back leads to it", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await review(page, wanted);
  await page.getByRole("button", { name: "Create container" }).last().dblclick();
  await expect(page).toHaveURL(/\/creations\//);
  const creation = page.url();
  await page.goBack();
  await expect(page).toHaveURL(creation);
  await page.goto("/containers/new");
  await expect(unfinished(page).getByText(wanted.hostname)).toBeHidden();
});

test("a VMID that is taken at the last moment is mended on the last page", async ({ page, context }) => {
  const [first, second] = [fresh(), fresh()];
  await haveNode(page, first.node);
  await review(page, { hostname: second.hostname, vmid: first.vmid });
  const other = await context.newPage();
  await create(other, first);
  await page.getByRole("button", { name: "Create container" }).last().click();
  const field = page.getByLabel("VMID");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(field).toHaveAccessibleDescription(/taken/);
  await page.getByRole("button", { name: "Next free" }).click();
  await expect(field).toHaveAccessibleDescription("Available");
  await page.getByRole("button", { name: "Create container" }).last().click();
  await expect(page).toHaveURL(/\/creations\//);
});
