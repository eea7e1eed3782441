// Two thousand containers: the page stays light and still, and one of them is found and restarted.
import { expect, type Browser, type Page } from "@playwright/test";
import { nobody } from "./support/demo.js";
import { expectUsable, fillFor, submit, test, trust } from "./support/nodes.js";
import { creation, logIn } from "./support/steps.js";

const HOSTS = 2;
const items = (page: Page) => page.locator("#containers [data-item]");
const menuButton = (page: Page, name: string) => page.getByRole("button", { name: `Actions for ${name}`, exact: true });

// grafana, the seventh of the first host, runs; Berth manages it from now on.
async function crowd(page: Page, start: (...options: string[]) => Promise<{ hosts: import("./support/host.js").Host[] }>) {
  const { hosts } = await start("--nodes", String(HOSTS), "--containers", "1000", "--running", "8");
  const names: string[] = [];
  for (const host of hosts) {
    names.push(await fillFor(page, host));
    await submit(page);
    await trust(page);
    await expectUsable(page, names.at(-1)!);
  }
  return names[0]!;
}

async function everybody(page: Page) {
  await page.goto("/");
  await expect(page.locator(".counts")).toContainText(/20\d\d in all/, { timeout: 60_000 });
}

// The number may be a part of another's.
async function expectFound(page: Page) {
  await expect.poll(() => items(page).count()).toBeLessThan(5);
  await expect(items(page).first().getByRole("heading", { name: "grafana", exact: true })).toBeVisible();
}

async function find(page: Page, what: string) {
  await everybody(page);
  await page.keyboard.press("/");
  await page.keyboard.type(what);
  await expectFound(page);
}

type Shift = PerformanceEntry & { value: number };
type Shifted = { shifts: number[] };

// How far things move while the page is renewed, as browsers reckon it.
async function renewal(page: Page) {
  const version = await page.locator("#containers").getAttribute("data-version");
  await page.evaluate(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    const note = (list: PerformanceObserverEntryList) => shifts.push(...list.getEntries().map((entry) => (entry as Shift).value));
    new PerformanceObserver(note).observe({ type: "layout-shift" });
  });
  await expect(page.locator("#containers")).not.toHaveAttribute("data-version", version!, { timeout: 60_000 });
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  const shifts = await page.evaluate(() => (window as unknown as Shifted).shifts);
  expect(shifts.reduce((sum, shift) => sum + shift, 0)).toBeLessThanOrEqual(0.02);
}

// By the same person, with nothing in the browser's cache. What is fetched when a node has news is no part of it.
async function firstVisit(page: Page, browser: Browser) {
  const context = await browser.newContext({ storageState: await page.context().storageState() });
  const first = await context.newPage();
  const network = await context.newCDPSession(first);
  const [requests, received] = [new Map<string, string>(), new Map<string, number>()];
  network.on("Network.requestWillBeSent", ({ requestId, request, type }) => {
    if (type !== "XHR") requests.set(requestId, request.url);
  });
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => received.set(requestId, encodedDataLength));
  await network.send("Network.enable");
  await first.goto("/");
  await expect(items(first)).toHaveCount(100);
  await expect(first.locator("[data-live-text]")).toHaveText(/^Live/);
  // All but the stream have an end.
  await expect.poll(() => [...requests.keys()].filter((id) => !received.has(id)).length).toBeLessThanOrEqual(1);
  const sizes = [...requests].map(([id, url]) => [url, received.get(id) ?? 0] as const);
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`first visit: ${bytes} bytes in ${requests.size} requests`);
  expect.soft(sizes.length, JSON.stringify(sizes)).toBeLessThanOrEqual(6);
  expect.soft(bytes, JSON.stringify(sizes)).toBeLessThanOrEqual(60_000);
  const blocking = await first.evaluate(() => {
    const entries = performance.getEntriesByType("resource") as (PerformanceResourceTiming & { renderBlockingStatus: string })[];
    return entries.filter((entry) => entry.renderBlockingStatus === "blocking").map((entry) => entry.name);
  });
  expect(blocking).toEqual([expect.stringMatching(/\.css$/)]);
  await context.close();
}

test("one is found among 2,000 and restarted, by keyboard, on a page that is light and does not jump", async ({ page, start, browser }) => {
  test.slow();
  const node = await crowd(page, start);
  await everybody(page);
  await test.step("a first visit", () => firstVisit(page, browser));
  await test.step("a renewal", () => renewal(page));
  await find(page, `grafana 107 ${node}`);
  await items(page).first().getByRole("button", { name: "Adopt" }).click();
  await expect(page).toHaveURL(/\/containers\/[0-9a-f-]+/, creation);
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await find(page, `grafana 107 ${node}`);
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await expect(items(page).first().getByRole("link", { name: "grafana", exact: true })).toBeFocused();
    await page.keyboard.press("a");
    const restart = page.getByRole("link", { name: "Restart grafana" });
    await restart.focus();
    await page.keyboard.press("Enter");
    const question = page.getByRole("dialog", { name: "Restart grafana?" });
    await question.getByRole("button", { name: "Restart" }).focus();
    await page.keyboard.press("Enter");
    await expect(question).toBeHidden();
    await expect(menuButton(page, "grafana")).toBeFocused();
    await expect(page.locator("#toasts").getByText("Restarted grafana")).toBeVisible(creation);
    await expect(items(page).first().locator("[id^=state-]")).toHaveText("Running");
  }
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, storageState: nobody });

  test("one is found among 2,000 and restarted", async ({ page, start, browser }) => {
    test.slow();
    await logIn(page);
    const quick = await browser.newContext({ storageState: await page.context().storageState(), javaScriptEnabled: true });
    const node = await crowd(await quick.newPage(), start);
    await quick.close();
    await expect(async () => {
      await page.goto("/");
      await expect(page.locator(".counts")).toContainText(/20\d\d in all/, { timeout: 100 });
    }).toPass();
    await page.getByRole("searchbox").fill(`grafana 107 ${node}`);
    await page.getByRole("button", { name: "Show" }).click();
    await expectFound(page);
    await items(page).first().getByRole("button", { name: "Adopt" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "grafana" })).toBeVisible();
    await page.getByRole("main").getByRole("link", { name: "Restart grafana" }).click(creation);
    await page.getByRole("button", { name: "Restart" }).click();
    await expect(page.getByRole("main").getByRole("link", { name: "Restart grafana" })).toBeVisible(creation);
  });
});
