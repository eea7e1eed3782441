import { expect, test, type Page } from "@playwright/test";
import { demo, fresh, nobody, plant } from "./support/demo.js";
import { sound } from "./support/look.js";
import { create, creation, fillNode, haveNode, next, ready } from "./support/steps.js";

test.afterEach(() => plant([]));

test.describe("before the login", () => {
  test.use({ storageState: nobody });

  test("the login page", async ({ page }) => {
    await page.goto("/login");
    await sound(page, "login");
  });
});

test("pages that need no container", async ({ page }) => {
  await haveNode(page, fresh().node);
  const paths = ["/", "/templates", "/templates/nginx", "/packages", "/settings", "/settings/nodes", "/settings/nodes/new", "/nowhere"];
  for (const path of paths) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await sound(page, path);
  }
  await page.goto("/templates");
  await page.getByRole("button", { name: "Discover" }).click();
  await expect(page.getByRole("status").filter({ hasText: "as before" })).toBeVisible();
  await sound(page, "what Discover has found");
  await page.goto("/");
  await page.locator("summary", { hasText: "Account:" }).click();
  await sound(page, "the account menu");
});

test("adding a node and deleting one", async ({ page }) => {
  await haveNode(page, fresh().node);
  await fillNode(page, fresh().node, "1");
  await page.getByRole("button", { name: "Test and save" }).click();
  await expect(page.getByText("Nothing is saved yet.")).toBeVisible();
  await sound(page, "a node that cannot be reached");
  await page.getByLabel("API port").fill(demo.port);
  await page.getByRole("button", { name: /Test and save|Trust and continue/ }).click();
  await expect(page.getByText("Do you trust this certificate?")).toBeVisible();
  await sound(page, "keys to trust");
  await page.goto("/settings/nodes");
  const remove = page.getByRole("link", { name: /^Delete/ }).first();
  const question = await remove.getAttribute("href");
  await remove.click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await sound(page, "the question before a node is deleted");
  await page.goto(question!);
  await sound(page, "the same as a page");
});

test("the wizard", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await page.goto("/containers/new");
  await sound(page, "the wizard's first step");
  await page.getByRole("radio", { name: /^nginx/ }).check();
  await next(page, "Configure");
  await sound(page, "configure");
  await page.getByLabel("VMID").fill("7");
  await page.getByRole("button", { name: "Continue" }).last().click();
  await expect(page.getByRole("alert")).toContainText("need");
  await sound(page, "configure with messages");
  await page.getByLabel("Hostname").fill(wanted.hostname);
  await page.getByLabel("VMID").fill(wanted.vmid);
  await next(page, "Packages");
  await sound(page, "packages");
  await next(page, "Scripts");
  await page.getByText("Show what it does").first().click();
  await sound(page, "scripts");
  await next(page, "Review");
  await sound(page, "review");
});

test("the catalogue of OS templates, unfinished wizards, and one that was discarded", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await page.goto("/containers/new?template=nginx");
  await page.getByLabel("Hostname").fill(wanted.hostname);
  const configure = page.url();
  await page.getByRole("button", { name: /Download another/ }).click();
  await expect(page.getByRole("heading", { name: "Download an OS template" })).toBeVisible();
  await sound(page, "the catalogue of OS templates");
  await page.goto("/containers/new");
  const unfinished = page.getByRole("region", { name: "Continue where you left off" });
  await expect(unfinished).toContainText(wanted.hostname);
  await sound(page, "unfinished wizards");
  await unfinished.getByRole("button", { name: `Discard ${wanted.hostname}` }).click();
  await expect(page.getByText(`Discarded ${wanted.hostname}`)).toBeVisible();
  await sound(page, "a wizard was discarded");
  await page.goto(configure);
  await sound(page, "a discarded wizard");
});

test("a creation while it runs and when it is ready, the container, and the list", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  // Long enough to be looked at four times.
  await plant([{ kind: "slow-task", seconds: 8, task: "vzcreate", count: 1 }]);
  await create(page, wanted);
  await sound(page, "a creation that runs");
  await ready(page, wanted);
  await sound(page, "a creation that is ready");
  await page.getByRole("link", { name: "Open container" }).click();
  await expect(page.getByRole("heading", { name: "Options" })).toBeVisible();
  await sound(page, "a container");
  await page.getByRole("link", { name: "Services", exact: true }).click();
  await page.getByText("of the operating system").click();
  await sound(page, "a container's services");
  await page.goto("/");
  await sound(page, "the list");
  await page.goto("/?view=table&group=node");
  await sound(page, "the list as a table");
});

test("a creation that failed, and the question before it is removed", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await plant([{ kind: "fail-task", message: "no luck", task: "vzcreate", count: 1 }]);
  await create(page, wanted);
  await expect(page.getByRole("heading", { name: /failed$/ })).toBeVisible(creation);
  await sound(page, "a creation that failed");
  await page.getByRole("link", { name: /Remove and start over/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await sound(page, "the question");
  await page.goto(`${page.url()}/remove`);
  await sound(page, "the question as a page");
});

// Presses Tab until the element has the focus, as somebody without a mouse would.
async function tabTo(page: Page, target: ReturnType<Page["getByRole"]>) {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error("Tab never reached it");
}

test("a container can be made by keyboard alone", async ({ page }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await page.goto("/");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: "Create container" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("radio", { name: /^From scratch/ }));
  const nginx = page.getByRole("radio", { name: /^nginx/ });
  const choices = await page.getByRole("radio").count();
  for (let presses = 0; presses < choices && !(await nginx.isChecked()); presses += 1) await page.keyboard.press("ArrowUp");
  await expect(nginx).toBeChecked();
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByLabel("Hostname"));
  await page.keyboard.type(wanted.hostname);
  await tabTo(page, page.getByLabel("VMID"));
  await page.keyboard.type(wanted.vmid);
  await page.keyboard.press("Enter");
  for (const step of ["Packages", "Scripts"]) {
    await expect(page.locator("[aria-current=step]")).toHaveText(new RegExp(step));
    await tabTo(page, page.getByRole("button", { name: "Continue" }).last());
    await page.keyboard.press("Enter");
  }
  await expect(page.locator("[aria-current=step]")).toHaveText(/Review/);
  await tabTo(page, page.getByRole("button", { name: "Create container" }));
  await page.keyboard.press("Enter");
  await ready(page, wanted);
  await tabTo(page, page.getByRole("link", { name: "Open container" }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/containers\//);
});
