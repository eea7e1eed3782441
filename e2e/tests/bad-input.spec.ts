import { expect, test } from "@playwright/test";
import { demo, fresh, nobody } from "./support/demo.js";
import { fillLogin, fillNode, haveNode, next, onStep, testNode } from "./support/steps.js";

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

  test("an account with a second factor is told so and not logged in", async ({ page }) => {
    await fillLogin(page, { user: "alice", password: "alice-Passw0rd", realm: "pve" });
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page.getByText("This account has a second factor.")).toBeVisible();
    await expect(page.getByLabel("User name")).toHaveValue("alice");
    await expect(page.getByLabel("Realm")).toHaveValue("pve");
    await page.goto("/");
    await expect(page).toHaveURL(/\/login/);
  });
});

test.describe("node", () => {
  const cases = [
    { what: "a token that does not exist", different: { tokenId: "root@pam!nosuch" }, field: "Token secret", says: /refused the credentials/ },
    { what: "a token without privileges", different: { tokenId: "root@pam!sep3" }, field: "Token ID", says: /Missing: .*VM\.Allocate/ },
    { what: "a wrong SSH password", different: { sshPassword: "wrong" }, field: "Password", says: /refused the login of root/ },
  ];
  for (const { what, different, field, says } of cases) {
    test(`${what} stands beside its field, and nothing is lost or stored`, async ({ page }) => {
      const { node } = fresh();
      await fillNode(page, node, different);
      await testNode(page, different);
      await expect(page.getByRole("textbox", { name: field, exact: true })).toHaveAccessibleDescription(says);
      await expect(page.getByLabel("Name", { exact: true })).toHaveValue(node);
      await expect(page.getByLabel("API port")).toHaveValue(demo.port);
      await expect(page.getByLabel("Token secret")).toHaveValue(demo.tokenSecret);
      await expect(page.getByRole("textbox", { name: "Password" })).not.toHaveValue("");
      await page.goto("/settings/nodes");
      await expect(page.getByRole("heading", { level: 1, name: "Nodes" })).toBeVisible();
      await expect(page.getByRole("heading", { name: node })).toHaveCount(0);
    });
  }

  test("a port where nothing listens stands beside the host", async ({ page }) => {
    const { node } = fresh();
    await fillNode(page, node, { port: "1" });
    await page.getByRole("button", { name: "Test and save" }).click();
    await expect(page.getByLabel("Host", { exact: true })).toHaveAccessibleDescription(/cannot be reached/);
    await expect(page.getByLabel("API port")).toHaveValue("1");
    await expect(page.getByLabel("Token secret")).toHaveValue(demo.tokenSecret);
  });
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
  // Only the host knows for sure: the last step leads back to the field.
  await onStep(page, "Configure");
  await expect(page.getByRole("alert")).toContainText("needs another look");
  await expect(field).toHaveAccessibleDescription(/taken/i);
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Hostname")).toHaveValue(wanted.hostname);
  await expect(page.getByLabel("Memory (MiB)")).toHaveValue("777");
  await field.fill(wanted.vmid);
  await expect(field).toHaveAccessibleDescription(/Available/);
  await next(page, "Packages");
});
