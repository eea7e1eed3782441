import { expect, test } from "@playwright/test";
import { nobody } from "./support/demo.js";

test.use({ storageState: nobody });

test("Berth is healthy and ready", async ({ request }) => {
  expect((await request.get("/healthz")).status()).toBe(200);
  expect((await request.get("/readyz")).status()).toBe(200);
});

test("a stranger is led to the login page, which asks for a Proxmox host", async ({ page }) => {
  await page.goto("/");
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByLabel("Password", { exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: /log in/i })).toBeVisible();
});

test("no page loads anything from elsewhere or breaks its own content security policy", async ({ page, baseURL }) => {
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(baseURL!) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto("/login");
  await page.waitForLoadState("networkidle");
  expect(foreign).toEqual([]);
  expect(complaints).toEqual([]);
});
