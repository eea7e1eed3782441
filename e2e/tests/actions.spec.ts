// Containers are stopped, started, deleted and adopted, and it is written down.
import { expect, test, type Page } from "@playwright/test";
import { demo, fresh, nobody, plant } from "./support/demo.js";
import { sound } from "./support/look.js";
import { create, creation, haveNode, logIn, ready, tabTo, type Wanted } from "./support/steps.js";

test.afterEach(() => plant([]));

async function container(page: Page): Promise<Wanted> {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await create(page, wanted, "From scratch");
  await ready(page, wanted);
  await page.getByRole("link", { name: "Open container" }).click();
  await expect(page.getByRole("heading", { level: 1, name: wanted.hostname })).toBeVisible();
  return wanted;
}

const button = (page: Page, name: string, wanted: Wanted) => page.getByRole("main").getByRole("button", { name: `${name} ${wanted.hostname}` });
const link = (page: Page, name: string, wanted: Wanted) => page.getByRole("main").getByRole("link", { name: `${name} ${wanted.hostname}` });
const toast = (page: Page, text: string) => page.locator("#toasts").getByText(text);

test("in place, and by keyboard", async ({ page }) => {
  test.slow();
  const wanted = await container(page);
  await sound(page, "a running container with its actions");
  await page.evaluate(() => Object.assign(window, { same: true }));

  await tabTo(page, link(page, "Restart", wanted));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: `Restart ${wanted.hostname}?` })).toBeVisible();
  await sound(page, "the question before a restart");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();

  await plant([{ kind: "slow-task", seconds: 2, task: "vzstop", count: 1 }]);
  await link(page, "Stop", wanted).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("main").getByText("Stopping").first()).toBeVisible();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(toast(page, `Stopped ${wanted.hostname}`)).toBeVisible(creation);
  await expect(page.locator("[id^=state-]")).toHaveText("Stopped");

  await plant([{ kind: "fail-task", message: "no luck at all", task: "vzstart", count: 1 }]);
  await button(page, "Start", wanted).click();
  await expect(page.getByRole("alert")).toContainText("no luck at all", creation);
  await sound(page, "an action that failed");
  await page.getByRole("button", { name: "Dismiss" }).first().click();
  await expect(page.getByRole("alert")).toBeHidden();
  await button(page, "Start", wanted).click();
  await expect(toast(page, `Started ${wanted.hostname}`)).toBeVisible(creation);
  // Behind Berth's back: the page follows all the same.
  await expect(link(page, "Stop", wanted)).toBeVisible();
  await fetch(`${demo.admin}/containers/${wanted.vmid}/stop`, { method: "POST" });
  await expect(page.locator("[id^=state-]")).toHaveText("Stopped", { timeout: 60_000 });
  await expect(button(page, "Start", wanted)).toBeVisible();
  expect(await page.evaluate(() => "same" in window), "the page was never loaded anew").toBe(true);
});

test("deleted, once its name is typed, and kept in the history", async ({ page }) => {
  test.slow();
  const wanted = await container(page);
  await link(page, "Delete", wanted).click();
  const question = page.getByRole("dialog", { name: `Delete ${wanted.hostname}?` });
  await question.getByLabel(/to delete it/).fill("something else");
  await question.getByLabel("It is running: stop it first").check();
  await question.getByRole("button", { name: "Delete container" }).click();
  await expect(question.getByText(`Type ${wanted.hostname} to delete it`).last()).toBeVisible();
  await sound(page, "the question before a container is deleted");
  await question.getByLabel(/to delete it/).fill(wanted.hostname);
  await question.getByRole("button", { name: "Delete container" }).click();
  await expect(toast(page, `Deleted ${wanted.hostname}`)).toBeVisible(creation);

  await page.getByRole("link", { name: "Its history" }).click();
  await expect(page.getByRole("heading", { level: 1, name: wanted.hostname })).toBeVisible();
  for (const what of ["Created", "Deleted"]) {
    await expect(page.getByRole("cell", { name: new RegExp(`^${what}`) }).first()).toBeVisible();
  }
  await sound(page, "the history of a deleted container");
  await page.goto(`/history?q=${wanted.hostname}&kind=deleted`);
  await expect(page.getByRole("row")).toHaveCount(2);
  await sound(page, "the history");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, storageState: nobody });

  test("stopped, started and deleted", async ({ page }) => {
    await logIn(page);
    const wanted = await container(page);
    await link(page, "Stop", wanted).click();
    await expect(page.getByRole("heading", { name: `Stop ${wanted.hostname}?` }).last()).toBeVisible();
    await page.getByRole("button", { name: "Stop" }).click();
    // The page asks for itself anew until the end.
    await button(page, "Start", wanted).click(creation);
    await expect(link(page, "Restart", wanted)).toBeVisible(creation);
    await link(page, "Delete", wanted).click();
    await page.getByLabel(/to delete it/).fill(wanted.hostname);
    await page.getByLabel("It is running: stop it first").check();
    await page.getByRole("button", { name: "Delete container" }).click();
    await expect(page.getByText("Berth does not manage this container any more.")).toBeVisible(creation);
    await expect(page.getByRole("cell", { name: /^Deleted/ })).toBeVisible();
  });
});
