// Tests with simulated hosts of their own: started when asked for; their nodes are deleted afterwards.
import { test as base, expect, type Locator, type Page } from "@playwright/test";
import { demo, fresh } from "./demo.js";
import { type Host, Simulator } from "./host.js";

type Start = (...options: string[]) => Promise<Simulator>;

export const test = base.extend<{ start: Start }>({
  start: async ({ page }, use) => {
    const started: Simulator[] = [];
    await use(async (...options) => {
      const simulator = await Simulator.start(...options);
      started.push(simulator);
      return simulator;
    });
    for (const host of started.flatMap(({ hosts }) => hosts)) await forget(page, host);
    for (const simulator of started) await simulator.stop();
  },
});

// The card of a node in the list.
export function nodeCard(page: Page, name: string): Locator {
  const heading = page.getByRole("heading", { level: 2, name: new RegExp(`^${name}( Default)?$`) });
  return page.locator("li.card").filter({ has: heading });
}

async function forget(page: Page, host: Host) {
  await page.goto("/settings/nodes");
  const remove = page.locator("li.card").filter({ hasText: host.api }).getByRole("link", { name: /^Delete/ });
  for (let left = await remove.count(); left > 0; left -= 1) {
    await page.goto((await remove.first().getAttribute("href"))!);
    const containers = page.getByRole("checkbox", { name: "Forget them" });
    if (await containers.isVisible()) await containers.check();
    await page.getByRole("button", { name: "Delete node" }).click();
    await expect(remove).toHaveCount(left - 1);
  }
}

// The form with what every host takes, but for what a test types itself.
export async function fillFor(page: Page, host: Host, name = fresh().node) {
  await page.goto("/settings/nodes/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Host", { exact: true }).fill(host.address);
  await page.getByLabel("API port").fill(host.port);
  await page.getByLabel("Token ID").fill(demo.tokenId);
  await page.getByLabel("Token secret").fill(demo.tokenSecret);
  await page.getByLabel("Port", { exact: true }).fill(host.sshPort);
  await byPassword(page, demo.sshPassword);
  return name;
}

export async function byPassword(page: Page, password: string) {
  await page.getByRole("radio", { name: "Password" }).check();
  await page.getByRole("textbox", { name: "Password" }).fill(password);
}

export async function byKey(page: Page, key: string, passphrase = "") {
  await page.getByRole("radio", { name: "Private key" }).check();
  await page.getByLabel("Private key", { exact: true }).last().fill(key);
  await page.getByLabel("Passphrase").fill(passphrase);
}

export const submit = (page: Page) => page.getByRole("button", { name: /^(Test and save|Trust and continue)$/ }).click();

// Ticks all that the host shows, once it has all been shown, and gives the button that goes on.
export async function tickAllShown(page: Page) {
  await expect(page.getByRole("button", { name: "Cancel the test" })).toBeHidden();
  const go = page.getByRole("button", { name: "Trust and continue" });
  await expect(go).toBeVisible();
  for (const shown of await page.getByRole("checkbox", { name: /^Trust this/ }).all()) await shown.check();
  return go;
}

export const trust = async (page: Page) => (await tickAllShown(page)).click();

// The list, on which the node works.
export async function expectUsable(page: Page, name: string) {
  await expect(page.getByRole("heading", { level: 1, name: "Nodes" })).toBeVisible();
  const card = nodeCard(page, name);
  await expect(card).toHaveCount(1);
  await expect(card.getByText("Reachable", { exact: true })).toBeVisible();
  await expect(card.getByRole("definition").filter({ hasText: /^Works/ })).toBeVisible();
}

export async function expectNotSaved(page: Page, name: string) {
  const list = await page.context().newPage();
  await list.goto("/settings/nodes");
  await expect(list.getByRole("heading", { level: 1, name: "Nodes" })).toBeVisible();
  await expect(nodeCard(list, name)).toHaveCount(0);
  await list.close();
}
