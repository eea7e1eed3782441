// Somebody who comes back: by keyboard alone, in few clicks, on a phone, and with an OS template that is not there yet.
import { expect, type Page, test } from "@playwright/test";
import { fresh, nobody, plant, root } from "./support/demo.js";
import { card, creation, haveNode, logIn, onStep, ready, tabTo, typeInto } from "./support/steps.js";

test.afterEach(() => plant([]));

test.describe("by keyboard alone", () => {
  test.use({ storageState: nobody });

  test("from the login to a container that is ready", async ({ page }) => {
    const wanted = fresh();
    // The host's certificate is trusted by an earlier login of this run.
    await page.goto("/login");
    await typeInto(page, page.getByLabel("User name"), root.user);
    await typeInto(page, page.getByLabel("Password", { exact: true }), root.password);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: "Containers" })).toBeVisible();
    await haveNode(page, wanted.node);

    await page.goto("/");
    await tabTo(page, page.getByRole("main").getByRole("link", { name: "Create container" }).first());
    await page.keyboard.press("Enter");
    await onStep(page, "Template");
    // A group of radio buttons is one stop; the arrows choose in it.
    await tabTo(page, page.locator("[name=container_template]:checked"));
    const nginx = page.getByRole("radio", { name: /^nginx/ });
    for (let pressed = 0; pressed < 40 && !(await nginx.isChecked()); pressed += 1) await page.keyboard.press("ArrowDown");
    await expect(nginx).toBeChecked();
    await page.keyboard.press("Enter");
    await onStep(page, "Configure");
    await typeInto(page, page.getByLabel("Hostname"), wanted.hostname);
    await typeInto(page, page.getByLabel("VMID"), wanted.vmid);
    await tabTo(page, page.getByRole("button", { name: "Ready for Docker" }));
    await page.keyboard.press("Space");
    await expect(page.getByRole("checkbox", { name: "FUSE" })).toBeChecked();
    for (const step of ["Packages", "Scripts", "Review"]) {
      await tabTo(page, page.getByRole("button", { name: "Continue" }).last());
      await page.keyboard.press("Enter");
      await onStep(page, step);
    }
    await tabTo(page, page.getByRole("button", { name: "Create container" }));
    await page.keyboard.press("Enter");
    await ready(page, wanted);
    await expect(page.getByRole("heading", { name: `${wanted.hostname} is ready` })).toBeVisible(creation);
  });
});

test("at most six clicks from opening the wizard to Create, and another one like it, on a phone", async ({ page }) => {
  const [first, second] = [fresh(), fresh()];
  await page.setViewportSize({ width: 360, height: 740 });
  await haveNode(page, first.node);
  let clicks = 0;
  const click = async (target: ReturnType<Page["getByRole"]>) => {
    clicks += 1;
    await target.click();
  };
  await page.goto("/");
  await click(page.getByRole("main").getByRole("link", { name: "Create container" }).first());
  await onStep(page, "Template");
  await click(page.getByRole("radio", { name: /^nginx/ }));
  await click(page.getByRole("button", { name: "Continue" }).last());
  await onStep(page, "Configure");
  await noWider(page);
  await page.getByLabel("Hostname").fill(first.hostname);
  await page.getByLabel("VMID").fill(first.vmid);
  await click(page.getByRole("button", { name: "Skip to review" }));
  await onStep(page, "Review");
  await noWider(page);
  await click(page.getByRole("button", { name: "Create container" }));
  await expect(page).toHaveURL(/\/creations\//);
  expect(clicks).toBeLessThanOrEqual(6);
  await ready(page, first);
  await noWider(page);

  await page.getByRole("link", { name: "Create another like this" }).click();
  await onStep(page, "Configure");
  await expect(page.getByLabel("Hostname")).toHaveValue("");
  await expect(page.getByLabel("VMID")).toHaveValue("");
  await page.getByLabel("Hostname").fill(second.hostname);
  await page.getByLabel("VMID").fill(second.vmid);
  await page.getByRole("button", { name: "Skip to review" }).click();
  await expect(page.getByRole("main")).toContainText("20-start.sh");
  await page.getByRole("button", { name: "Create container" }).click();
  await ready(page, second);
  await page.goto("/");
  await expect(card(page, second)).toContainText("Running");
});

test("an OS template is downloaded while the rest is filled in, and chosen", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await page.goto("/containers/new?template=nginx");
  await onStep(page, "Configure");
  await page.getByLabel("Hostname").fill(wanted.hostname);
  await page.getByRole("button", { name: /Download another/ }).click();
  await expect(page.getByRole("heading", { name: "Download an OS template" })).toBeVisible();
  await page.getByRole("searchbox", { name: "Search OS templates" }).fill("rocky 9");
  await page.getByRole("radio", { name: /rockylinux 9/i }).check();
  await page.getByRole("button", { name: "Download", exact: true }).click();
  await onStep(page, "Configure");
  const chosen = page.getByLabel("OS template");
  await expect(page.locator("#download").getByRole("progressbar", { name: "Download" })).toBeVisible();
  await expect(chosen.locator("option:checked")).toContainText("on its way");
  // Typed meanwhile, without leaving the page.
  await page.getByLabel("Memory (MiB)").fill("777");
  await expect(page.locator("#download")).toContainText("Downloaded and chosen", creation);
  await expect(chosen.locator("option:checked")).toHaveText(/^rockylinux-9/);
  await expect(page.getByLabel("Memory (MiB)")).toHaveValue("777");
  await expect(page.getByLabel("Hostname")).toHaveValue(wanted.hostname);

  // A second one is stopped, and a reload still tells.
  await page.getByRole("button", { name: /Download another/ }).click();
  await page.getByRole("radio", { name: /centos/i }).first().check();
  await plant([{ kind: "slow-task", seconds: 60, task: "download", count: 1 }]);
  await page.getByRole("button", { name: "Download", exact: true }).click();
  await expect(page.locator("#download").getByRole("progressbar", { name: "Download" })).toBeVisible();
  await page.reload();
  await page.getByRole("button", { name: "Cancel the download" }).click();
  await expect(page.locator("#download")).toContainText("was cancelled");
});

// Nothing has to be scrolled sideways.
async function noWider(page: Page) {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
}
