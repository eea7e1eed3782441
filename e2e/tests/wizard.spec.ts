// The wizard where nodes differ or go away, and where there is no JavaScript.
import { expect } from "@playwright/test";
import { fresh } from "./support/demo.js";
import { creation, haveNode, next, onStep } from "./support/steps.js";
import { expectUsable, fillFor, nodeCard, submit, test, trust } from "./support/nodes.js";

test("another node: what fits is kept, what does not is said; a node that goes away loses nothing", async ({ page, start }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  const simulator = await start();
  const other = await fillFor(page, simulator.hosts[0]!);
  await submit(page);
  await trust(page);
  await expectUsable(page, other);

  await page.goto("/containers/new?template=nginx");
  await onStep(page, "Configure");
  const node = page.getByRole("combobox", { name: "Node", exact: true });
  const first = await node.inputValue();
  await page.getByLabel("Hostname").fill(wanted.hostname);
  await page.getByLabel("Memory (MiB)").fill("777");
  // Taken on the first node, free on the other, which is in no cluster with it.
  await page.getByLabel("VMID").fill("103");
  await expect(page.getByLabel("VMID")).toHaveAccessibleDescription(/^Taken by/);
  await node.selectOption({ label: (await node.locator("option").filter({ hasText: other }).innerText()).trim() });
  await expect(page.getByLabel("VMID")).toHaveAccessibleDescription("Available");
  await page.getByRole("button", { name: "Change node" }).click();
  await onStep(page, "Configure");
  await expect(node.locator("option:checked")).toContainText(other);
  await expect(page.getByLabel("Hostname")).toHaveValue(wanted.hostname);
  await expect(page.getByLabel("Memory (MiB)")).toHaveValue("777");
  await expect(page.getByLabel("VMID")).toHaveAccessibleDescription("Available");

  await simulator.plant({ kind: "off" });
  await page.goto(page.url());
  await expect(page.getByRole("heading", { name: `${other} does not answer` })).toBeVisible(creation);
  await expect(page.getByText("What you have chosen so far is kept.")).toBeVisible();
  await page.getByLabel("Another node").selectOption(first);
  await page.getByRole("button", { name: "Use this node" }).click();
  await expect(node).toHaveValue(first);
  await expect(page.getByLabel("Hostname")).toHaveValue(wanted.hostname);
  await expect(page.getByLabel("Memory (MiB)")).toHaveValue("777");
  await page.getByLabel("VMID").fill(wanted.vmid);
  await next(page, "Packages");
  await simulator.plant();
  await page.goto("/settings/nodes");
  await expect(nodeCard(page, other)).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("an OS template is searched, downloaded and chosen", async ({ page }) => {
    const wanted = fresh();
    await haveNode(page, wanted.node);
    await page.goto("/containers/new?template=nginx");
    await page.getByLabel("Hostname").fill(wanted.hostname);
    await page.getByRole("button", { name: /Download another/ }).click();
    await page.getByRole("searchbox", { name: "Search OS templates" }).fill("alpine");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await expect(page.getByRole("radio", { name: /debian/i })).toHaveCount(0);
    const alpine = page.getByRole("radio", { name: /alpine/i }).first();
    await alpine.check();
    await page.getByRole("button", { name: "Download", exact: true }).click();
    await onStep(page, "Configure");
    const download = page.locator("#download");
    await expect(download).toContainText(/Downloading|Downloaded and chosen/);
    await expect(async () => {
      const again = page.getByRole("button", { name: "Check again" });
      if (await again.isVisible()) await again.click();
      await expect(download).toContainText("Downloaded and chosen", { timeout: 1_000 });
    }).toPass(creation);
    await expect(page.getByLabel("OS template").locator("option:checked")).toHaveText(/^alpine-/);
    await expect(page.getByLabel("Hostname")).toHaveValue(wanted.hostname);
  });
});
