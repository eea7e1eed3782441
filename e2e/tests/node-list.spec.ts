// Nodes that are saved: what changes on them, editing, the default, and deleting.
import { expect } from "@playwright/test";
import { expectChecks, row } from "./support/checklist.js";
import { demo, fresh, nobody, account } from "./support/demo.js";
import { sound } from "./support/look.js";
import { expectUsable, fillFor, nodeCard, submit, test, tickAllShown, trust } from "./support/nodes.js";
import { addNode, create, logIn, ready } from "./support/steps.js";

const changes = [
  { what: "certificate", fault: "changed-certificate", heading: "The certificate has changed", check: "TLS certificate" },
  { what: "SSH host key", fault: "changed-host-key", heading: "The SSH host key has changed", check: "SSH host key" },
] as const;
for (const { what, fault, heading, check } of changes) {
  test(`a saved node whose ${what} changes says so with old and new, until its owner confirms it`, async ({ page, start }) => {
    const simulator = await start();
    const host = simulator.hosts[0]!;
    const name = await fillFor(page, host);
    await submit(page);
    await trust(page);
    await expectUsable(page, name);
    await simulator.plant({ kind: fault });
    await nodeCard(page, name).getByRole("button", { name: /^Check now/ }).click();
    const card = nodeCard(page, name);
    await expect(card.getByText(`The ${what} is not the one you trusted`)).toBeVisible();
    // Of a host key, its kind stands before the fingerprint.
    const [before, now] = (await card.locator(".notice dd").allInnerTexts()).map((text) => text.split(" ").at(-1)!);
    expect(before).not.toBe(now);
    await sound(page, `a node whose ${what} has changed`);

    await card.getByRole("link", { name: `Review ${name}` }).click();
    await page.getByRole("button", { name: "Test and save" }).click();
    await expect(page.getByRole("heading", { name: heading })).toBeVisible();
    await expect(row(page, check)).toContainText("another");
    const shown = page.locator("#test-result");
    await expect(shown.getByText("Trusted until now").locator("xpath=following-sibling::dd")).toHaveText(before!);
    await expect(shown.getByText("Shown now").locator("xpath=following-sibling::dd")).toHaveText(now!);
    await sound(page, `the changed ${what} of a node`);
    await trust(page);
    await expectUsable(page, name);
    await expect(nodeCard(page, name)).not.toContainText("not the one you trusted");
  });
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("empty secrets keep the stored ones; another host does not get them", async ({ page, start }) => {
      const [host, other] = [(await start()).hosts[0]!, (await start()).hosts[0]!];
      const name = await fillFor(page, host);
      await submit(page);
      const go = await tickAllShown(page);
      if (!javaScriptEnabled) {
        // Secrets are never sent back to a browser.
        await expect(page.getByLabel("Token secret")).toHaveValue("");
        await expect(page.getByRole("textbox", { name: "Password" })).toHaveValue("");
        await page.getByLabel("Token secret").fill(demo.tokenSecret);
        await page.getByRole("textbox", { name: "Password" }).fill(demo.sshPassword);
      }
      await go.click();
      await expect(nodeCard(page, name)).toBeVisible();

      const renamed = fresh().node;
      await page.getByRole("link", { name: `Edit ${name}` }).click();
      await expect(page.getByLabel("Token secret")).toHaveValue("");
      if (javaScriptEnabled) await sound(page, "editing a node");
      await page.getByRole("button", { name: "Only test" }).click();
      await expect(page.getByText("Everything passed.")).toBeVisible();
      await expectChecks(page, {});
      if (javaScriptEnabled) await sound(page, "a test that passed");
      await page.getByLabel("Name", { exact: true }).fill(renamed);
      await page.getByRole("button", { name: "Test and save" }).click();
      await nodeCard(page, renamed).getByRole("button", { name: /^Check now/ }).click();
      await expectUsable(page, renamed);
      await expect(nodeCard(page, name)).toHaveCount(0);

      await page.getByRole("link", { name: `Edit ${renamed}` }).click();
      await page.getByLabel("API port").fill(other.port);
      await page.getByLabel("Port", { exact: true }).fill(other.sshPort);
      await page.getByRole("button", { name: "Test and save" }).click();
      await expect(page.getByLabel("Token secret")).toHaveAccessibleDescription(/the stored one is for .*, and this is another host/);
      await expect(row(page, "SSH login")).toContainText("the stored one is for");
      await expect(page.getByText("Nothing is saved yet.")).toBeVisible();
    });

    test("a node that is gone can still be renamed", async ({ page, start }) => {
      const simulator = await start();
      const name = await fillFor(page, simulator.hosts[0]!);
      await page.getByRole("radio", { name: "No SSH" }).check();
      await submit(page);
      await expect(page.getByText("Nothing is saved yet.")).toBeVisible();
      await page.getByRole("checkbox", { name: "Trust this certificate" }).check();
      if (!javaScriptEnabled) await page.getByLabel("Token secret").fill(demo.tokenSecret);
      await page.getByRole("button", { name: "Trust and continue" }).click();
      await expect(nodeCard(page, name)).toContainText("Without: no provisioning, services or logs");
      await simulator.plant({ kind: "off" });
      const renamed = fresh().node;
      await page.getByRole("link", { name: `Edit ${name}` }).click();
      await page.getByLabel("Name", { exact: true }).fill(renamed);
      await page.getByRole("button", { name: "Test and save" }).click();
      await expect(row(page, "TLS certificate")).toContainText("nothing listens on this port");
      if (javaScriptEnabled) await sound(page, "a node that is gone");
      await page.getByRole("button", { name: "Save only the name" }).click();
      await nodeCard(page, renamed).getByRole("button", { name: /^Check now/ }).click();
      await expect(nodeCard(page, renamed)).toContainText("Unreachable");
      if (javaScriptEnabled) await sound(page, "the list with a node that is gone");
    });
  });
}

test.describe("of somebody else", () => {
  test.use({ storageState: nobody });

  test("the default moves, and deleting a node forgets its containers only when told so", async ({ page }) => {
    await logIn(page, await account());
    const [first, second] = [fresh(), fresh()];
    await addNode(page, first.node);
    await addNode(page, second.node);
    const isDefault = (name: string) => nodeCard(page, name).getByText("Default", { exact: true });
    await expect(isDefault(first.node)).toBeVisible();
    await nodeCard(page, second.node).getByRole("button", { name: /^Make default/ }).click();
    await expect(isDefault(second.node)).toBeVisible();
    await expect(isDefault(first.node)).toHaveCount(0);
    await create(page, second);
    await ready(page, second);

    await page.goto("/settings/nodes");
    await page.getByRole("link", { name: `Delete ${second.node}` }).click();
    const question = page.getByRole("dialog", { name: `Delete ${second.node}?` });
    await expect(question.getByRole("listitem")).toHaveText([`${second.hostname} (${second.vmid})`]);
    await sound(page, "deleting a node with containers");
    await question.getByRole("button", { name: "Delete node" }).click();
    // Nothing happens without the tick.
    await expect(question).toBeVisible();
    await question.getByRole("link", { name: "Keep it" }).click();
    await expect(question).toBeHidden();
    await expect(nodeCard(page, second.node)).toBeVisible();
    await page.getByRole("link", { name: `Delete ${second.node}` }).click();
    await question.getByRole("checkbox", { name: "Forget them" }).check();
    await question.getByRole("button", { name: "Delete node" }).click();
    await expect(nodeCard(page, second.node)).toHaveCount(0);
    await expect(isDefault(first.node)).toBeVisible();
    // It is still on Proxmox, where the other entry of the same host sees it.
    await page.goto("/");
    await expect(page.getByRole("main").getByText(second.hostname).first()).toBeVisible();
  });
});
