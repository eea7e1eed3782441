import { expect, test } from "@playwright/test";
import { fresh, plant } from "./support/demo.js";
import { card, create, creation, haveNode, onStep, ready } from "./support/steps.js";

test.afterEach(() => plant([]));

test("a failed creation says why, and goes on from where it failed", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await plant([{ kind: "fail-task", message: "the rack is on fire", task: "vzstart", count: 1 }]);
  await create(page, wanted);
  const problem = page.getByRole("region", { name: "Starting the container failed" });
  await expect(problem).toContainText("the rack is on fire", creation);
  await problem.getByRole("button", { name: "Retry from here" }).click();
  await ready(page, wanted);
});

test("a failed creation is removed only after a question, and its choices are kept", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await plant([{ kind: "fail-task", message: "no luck", task: "vzcreate", count: 1 }]);
  await create(page, wanted);
  await expect(page.getByText("no luck").first()).toBeVisible(creation);
  await page.goto("/");
  await expect(page.getByRole("region", { name: "Not finished" })).toContainText(wanted.hostname);
  await expect(card(page, wanted)).toContainText("Failed");
  await page.getByRole("link", { name: wanted.hostname, exact: true }).click();

  const question = page.getByRole("dialog", { name: `Remove ${wanted.hostname} and start over?` });
  await page.getByRole("link", { name: /Remove and start over/ }).click();
  await expect(question).toBeVisible();
  await question.getByRole("link", { name: "Keep it" }).click();
  await expect(question).toBeHidden();
  await page.getByRole("link", { name: /Remove and start over/ }).click();
  await question.getByRole("button", { name: "Remove and start over" }).click();

  await onStep(page, "Configure");
  await expect(page.getByLabel("Hostname")).toHaveValue(wanted.hostname);
  await expect(page.getByLabel("VMID")).toHaveValue(wanted.vmid);
  await page.goto("/");
  await expect(page.getByRole("link", { name: wanted.hostname, exact: true })).toHaveCount(0);
});

test("a creation survives SSH connections that break in mid-stream", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await plant([{ kind: "ssh-drop", after_bytes: 600, count: 2 }]);
  await create(page, wanted);
  await ready(page, wanted);
  await expect(page.locator(".log-line").filter({ hasText: "nginx serves /var/www/html on port 80" })).toHaveCount(1);
});
