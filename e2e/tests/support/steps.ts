// What a person does, step by step. All of it works with and without JavaScript.
import { expect, type Locator, type Page } from "@playwright/test";
import { type Account, demo, root } from "./demo.js";

// Creations take seconds on the simulated node; a busy machine may need many more.
export const creation = { timeout: 90_000 };

export async function fillLogin(page: Page, account: Account, at = "/login") {
  await page.goto(at);
  const host = page.getByRole("textbox", { name: "Proxmox host" });
  if (await host.isVisible()) {
    await host.fill(demo.host);
    await page.getByLabel("Port", { exact: true }).fill(demo.port);
  }
  await page.getByLabel("User name").fill(account.user);
  await page.getByLabel("Realm").selectOption(account.realm);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
}

export async function logIn(page: Page, account: Account = root) {
  const inside = page.getByRole("heading", { level: 1, name: "Containers" });
  await giveLogin(page, account, inside);
}

// Gives the password, to a host whose certificate is trusted, and comes to where that leads.
export async function giveLogin(page: Page, account: Account, leadsTo: Locator) {
  await fillLogin(page, account);
  await page.getByRole("button", { name: "Log in" }).click();
  const trust = page.getByLabel("Trust this certificate from now on");
  await expect(trust.or(leadsTo)).toBeVisible();
  if (await trust.isVisible()) {
    await trust.check();
    await page.getByLabel("Password", { exact: true }).fill(account.password);
    await page.getByRole("button", { name: "Log in" }).click();
  }
  await expect(leadsTo).toBeVisible();
}

export async function fillNode(page: Page, name: string, port = demo.port) {
  await page.goto("/settings/nodes/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Host", { exact: true }).fill(demo.host);
  await page.getByLabel("API port").fill(port);
  await page.getByLabel("Token ID").fill(demo.tokenId);
  await page.getByRole("radio", { name: "Password" }).check();
  await page.getByLabel("Port", { exact: true }).fill(demo.sshPort);
  await fillSecrets(page);
}

// Without JavaScript secrets are gone after every answer.
async function fillSecrets(page: Page) {
  await page.getByLabel("Token secret").fill(demo.tokenSecret);
  await page.getByRole("textbox", { name: "Password" }).fill(demo.sshPassword);
}

// Sends the form, and confirms certificate and host key when asked; they are asked for together.
async function testNode(page: Page) {
  await page.getByRole("button", { name: "Test and save" }).click();
  await expect(page.getByText("Nothing is saved yet.")).toBeVisible();
  const keys = page.getByRole("checkbox", { name: /^Trust this/ });
  for (const key of await keys.all()) await key.check();
  await fillSecrets(page);
  await page.getByRole("button", { name: "Trust and continue" }).click();
}

export async function addNode(page: Page, name: string) {
  await fillNode(page, name);
  await testNode(page);
  await expect(page.getByRole("heading", { level: 1, name: "Nodes" })).toBeVisible();
  await expect(page.getByRole("heading", { level: 2, name })).toBeVisible();
}

// For tests that need some node and do not care which.
export async function haveNode(page: Page, name: string) {
  await page.goto("/settings/nodes");
  if (await page.getByText("No nodes yet").isVisible()) await addNode(page, name);
}

export async function onStep(page: Page, step: string) {
  await expect(page.getByRole("navigation", { name: "Steps" }).locator("[aria-current=step]")).toHaveText(new RegExp(step));
}

export async function next(page: Page, step: string) {
  await page.getByRole("button", { name: "Continue" }).last().click();
  await onStep(page, step);
}

export type Wanted = { hostname: string; vmid: string };

// The wizard up to the review.
export async function review(page: Page, wanted: Wanted, template = "nginx") {
  await page.goto("/containers/new");
  await page.getByRole("radio", { name: new RegExp(`^${template}`) }).check();
  await next(page, "Configure");
  await page.getByLabel("Hostname").fill(wanted.hostname);
  await page.getByLabel("VMID").fill(wanted.vmid);
  await next(page, "Packages");
  await next(page, "Scripts");
  await next(page, "Review");
}

// The wizard to its end; leaves the page of the creation open.
export async function create(page: Page, wanted: Wanted, template = "nginx") {
  await review(page, wanted, template);
  await page.getByRole("button", { name: "Create container" }).click();
  await expect(page).toHaveURL(/\/creations\//);
  await expect(page.getByRole("heading", { level: 1, name: wanted.hostname })).toBeVisible();
}

export async function ready(page: Page, { hostname }: Wanted) {
  await expect(page.getByRole("heading", { name: `${hostname} is ready` })).toBeVisible(creation);
}

// A container template with one script, and a container that was made from it.
export async function createWith(page: Page, wanted: Wanted, script: string) {
  const title = `Made for ${wanted.vmid}`;
  await page.goto("/templates/new");
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("OS template of kind").fill("debian");
  await page.getByLabel("Name of script 1").fill("10-script.sh");
  await page.getByRole("textbox", { name: "Text of script 1", exact: true }).click();
  await page.keyboard.insertText(script);
  await page.getByRole("button", { name: "Save template" }).last().click();
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  await create(page, wanted, title);
  await ready(page, wanted);
}

// From the finished creation to the container's page, and what must be on it.
export async function openContainer(page: Page, { hostname, vmid }: Wanted) {
  await page.getByRole("link", { name: "Open container" }).click();
  await expect(page).toHaveURL(/\/containers\//);
  const main = page.getByRole("main");
  await expect(main.getByRole("heading", { level: 1, name: hostname })).toBeVisible();
  await expect(main.getByText(vmid, { exact: true })).toBeVisible();
  await expect(main.getByText("Running").first()).toBeVisible();
  const address = await page.locator("#address").innerText();
  expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  await expect(main.getByRole("link", { name: /nginx :80\b/ }).first()).toHaveAttribute("href", `http://${address}/`);
}

// The card of a container or creation in the list at "/".
export function card(page: Page, { hostname }: Wanted) {
  return page.getByRole("listitem").filter({ has: page.getByRole("link", { name: hostname, exact: true }) });
}

// With Tab until the element has the focus, as somebody without a mouse gets there. Fails when it cannot be reached.
export async function tabTo(page: Page, wanted: Locator) {
  await expect(wanted).toBeVisible();
  for (let pressed = 0; pressed < 200; pressed += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${wanted} cannot be reached with Tab`);
}

// Types into a field in place of what is there, by keyboard alone.
export async function typeInto(page: Page, field: Locator, text: string) {
  await tabTo(page, field);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(text);
}
