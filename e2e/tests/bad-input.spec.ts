import { expect, test } from "@playwright/test";
import { demo, fresh, nobody } from "./support/demo.js";
import { fillLogin, haveNode, next, onStep } from "./support/steps.js";

test.describe("login", () => {
  test.use({ storageState: nobody });

  test("a wrong password logs nobody in and keeps what was typed", async ({ page }) => {
    await fillLogin(page, { user: "root", password: "wrong", realm: "pam" });
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page.getByRole("alert")).toContainText("Check host, user name, realm and password");
    await expect(page.getByLabel("User name")).toHaveValue("root");
    await expect(page.getByLabel("Password", { exact: true })).toHaveValue("wrong");
    await expect(page.getByLabel("Password", { exact: true })).toBeFocused();
    await page.goto("/");
    await expect(page).toHaveURL(/\/login/);
  });
});

test("what cannot be a node is said beside each field, and nothing typed is lost", async ({ page }) => {
  const { node } = fresh();
  const wrong = [
    { field: page.getByLabel("Host", { exact: true }), typed: "https://pve.lan:8006/", says: /./ },
    { field: page.getByLabel("API port"), typed: "70000", says: /65535/ },
    { field: page.getByLabel("Token ID"), typed: "root@pam", says: /!/ },
    { field: page.getByLabel("Port", { exact: true }), typed: "0", says: /65535/ },
    { field: page.getByRole("textbox", { name: "Private key" }), typed: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBYLbXjA7Kl1F+88gPJfoefRczJY6UDhrQX4eGY27w2S me@home", says: /public/ },
  ];
  await page.goto("/settings/nodes/new");
  await page.getByLabel("Name", { exact: true }).fill(node);
  await page.getByLabel("Token secret").fill(demo.tokenSecret);
  for (const { field, typed } of wrong) await field.fill(typed);
  await page.getByRole("button", { name: "Test and save" }).click();
  await expect(page.getByRole("alert")).toContainText("5 fields need another look");
  for (const { field, typed, says } of wrong) {
    await expect(field).toHaveAccessibleDescription(says);
    await expect(field).toHaveValue(typed);
  }
  await expect(page.getByLabel("Token secret")).toHaveValue(demo.tokenSecret);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(node);
});

test("a taken VMID is said while typing, refused by the host, and nothing typed is lost", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await page.goto("/containers/new");
  await page.getByRole("radio", { name: /^nginx/ }).check();
  await next(page, "Configure");
  const field = page.getByLabel("VMID");
  await page.getByLabel("Hostname").fill(wanted.hostname);
  await page.getByLabel("Memory (MiB)").fill("777");
  await field.fill("101");
  await expect(field).toHaveAccessibleDescription(/Taken by .+ on /);
  await field.fill(wanted.vmid);
  await expect(field).toHaveAccessibleDescription(/Available/);
  await field.fill("101");
  for (const step of ["Packages", "Scripts", "Review"]) await next(page, step);
  await page.getByRole("button", { name: "Create container" }).click();
  // Only the host knows for sure: the last step asks for another one.
  await onStep(page, "Review");
  await expect(field).toHaveAccessibleDescription(/taken/i);
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("main")).toContainText(wanted.hostname);
  await expect(page.getByRole("main")).toContainText("777 MiB");
  await field.fill(wanted.vmid);
  await expect(field).toHaveAccessibleDescription(/Available/);
  await page.getByRole("button", { name: "Create container" }).last().click();
  await expect(page).toHaveURL(/\/creations\//);
});

test("a VMID typed before the page's script has arrived is checked all the same", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  await page.route(/\/app[^/]*\.js/, async (route) => {
    await arrived;
    await route.continue();
  });
  await page.goto("/containers/new?template=nginx", { waitUntil: "commit" });
  const field = page.getByLabel("VMID");
  await field.fill("101");
  await expect(field).not.toHaveAccessibleDescription(/Taken/);
  arrive();
  await expect(field).toHaveAccessibleDescription(/Taken by .+ on /);
});
