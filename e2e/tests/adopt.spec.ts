// Containers that were there before Berth: one is adopted and its services seen, then all the others.
import { expect, type Page } from "@playwright/test";
import { nobody } from "./support/demo.js";
import { sound } from "./support/look.js";
import { expectUsable, fillFor, submit, test, trust } from "./support/nodes.js";
import { creation, logIn, tabTo } from "./support/steps.js";

const item = (page: Page, name: string) => page.locator("#containers [data-item]").filter({ hasText: name });

async function home(page: Page, start: (...options: string[]) => Promise<{ hosts: import("./support/host.js").Host[] }>) {
  const { hosts } = await start("--containers", "5");
  const node = await fillFor(page, hosts[0]!);
  await submit(page);
  await trust(page);
  await expectUsable(page, node);
  return node;
}

// Only this node's: other tests have some of the same name.
const find = async (page: Page, node: string) => {
  await page.goto(`/?q=${node}`);
  await expect(item(page, "pihole")).toBeVisible({ timeout: 500 });
};

async function expectServices(page: Page) {
  await expect(page.getByRole("heading", { level: 1, name: "pihole" })).toBeVisible(creation);
  await page.getByRole("link", { name: "Services" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Services" })).toBeVisible();
  // They are looked for while it is adopted.
  await expect(async () => {
    await page.reload();
    await expect(page.getByText(/^\d+ of the operating system/)).toBeVisible({ timeout: 500 });
  }).toPass(creation);
}

for (const [how, width, javaScriptEnabled] of [["by keyboard", 1280, true], ["on a phone", 360, true], ["without JavaScript", 1280, false]] as const) {
  test.describe(how, () => {
    test.use({ javaScriptEnabled, storageState: nobody, viewport: { width, height: 800 } });

    test("a container is adopted, and its services are seen", async ({ page, start, browser }) => {
      test.slow();
      await logIn(page);
      const quick = await browser.newContext({ storageState: await page.context().storageState(), javaScriptEnabled: true });
      const node = await home(await quick.newPage(), start);
      await quick.close();
      await expect(() => find(page, node)).toPass();
      const adopt = item(page, "pihole").getByRole("button", { name: "Adopt" });
      if (how === "by keyboard") {
        await tabTo(page, adopt);
        await page.keyboard.press("Enter");
      } else await adopt.click();
      await expectServices(page);
      await page.goto("/history?kind=adopted");
      await expect(page.getByRole("cell", { name: /^Adopted/ }).first()).toBeVisible();
      await page.goBack();
      if (how === "by keyboard") await sound(page, "the services of an adopted container");
    });
  });
}
