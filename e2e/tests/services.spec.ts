import { expect, test, type Page } from "@playwright/test";
import { fresh, nobody } from "./support/demo.js";
import { sound } from "./support/look.js";
import { createWith, haveNode, logIn, tabTo } from "./support/steps.js";

// A service that goes wrong once and then prints a line every tenth of a second; and a secret.
const script = `cat >/root/ticker.sh <<'END'
echo "<3>no luck: <b>at all</b>"
i=0
while :; do i=$((i + 1)); echo "tick $i"; sleep 0.1; done
END
printf '[Unit]\\nDescription=Ticks <i>now</i> and then\\n[Service]\\nExecStart=/bin/sh /root/ticker.sh\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/ticker.service
systemctl daemon-reload
systemctl enable --now ticker
save_credential ticker PASSWORD geheim-5317
`;

let services = "";

// The container is made once; its page is found again by each test.
async function container(page: Page) {
  if (services === "") {
    const wanted = fresh();
    await haveNode(page, wanted.node);
    await createWith(page, wanted, script);
    await page.getByRole("link", { name: "Open container" }).click();
    await expect(page).toHaveURL(/\/containers\/[0-9a-f-]+$/);
    services = `${new URL(page.url()).pathname}/services`;
  }
  await page.goto(services);
  await expect(page.getByRole("heading", { level: 2, name: "Services" })).toBeVisible();
}

const log = (page: Page) => page.getByRole("log");
const ticks = async (page: Page) => {
  const texts = await log(page).locator(".log-line:visible").allInnerTexts();
  return texts.flatMap((text) => /tick (\d+)$/.exec(text.trim())?.[1] ?? []).map(Number);
};

async function openLog(page: Page) {
  await container(page);
  await page.getByRole("link", { name: "Log of ticker" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Log of ticker" })).toBeVisible();
}

async function lastError(page: Page) {
  await openLog(page);
  await page.getByRole("searchbox", { name: "Search" }).fill("NO LUCK");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(log(page).locator(".log-error")).toContainText("no luck: <b>at all</b>");
}

test.describe.configure({ mode: "serial" });

test("what runs in a container is listed and looked for again", async ({ page }) => {
  test.slow();
  await container(page);
  const row = page.getByRole("row").filter({ hasText: "ticker" });
  await expect(row).toContainText("Running");
  await expect(row).toContainText("Ticks <i>now</i> and then");
  await page.getByRole("button", { name: "Discover again" }).click();
  await expect(page.getByText(/^Found \d+ services$/)).toBeVisible();
  await page.getByText("of the operating system").click();
  await sound(page, "services");
});

test("the last error of a service is read", async ({ page }) => {
  await lastError(page);
  await expect(page.locator("[data-stream=live]")).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, storageState: nobody });

  test("the last error of a service is read, and a credential shown", async ({ page }) => {
    await logIn(page);
    await lastError(page);
    await page.getByRole("link", { name: "Show all" }).click();
    expect((await ticks(page)).length).toBeGreaterThan(10);
    await container(page);
    await page.getByRole("button", { name: "Show PASSWORD of ticker" }).click();
    await expect(page.getByText("geheim-5317")).toBeVisible();
    await page.getByRole("link", { name: "Hide PASSWORD of ticker" }).click();
    await expect(page.getByRole("button", { name: "Show PASSWORD of ticker" })).toBeVisible();
    await expect(page.getByText("geheim-5317")).toHaveCount(0);
  });
});

test("a log is followed, paused by keyboard, and nothing is lost meanwhile", async ({ page }) => {
  await openLog(page);
  await expect(page.locator("[data-stream=live]")).toBeVisible();
  const before = (await ticks(page)).at(-1)!;
  await expect.poll(async () => (await ticks(page)).at(-1)).toBeGreaterThan(before + 10);
  await log(page).focus();
  await page.keyboard.press("Space");
  await expect(page.getByText(/^Paused, \d+ new lines$/)).toBeVisible();
  const stopped = (await ticks(page)).at(-1)!;
  await expect(page.getByText(/^Paused, [2-9]\d new lines$/)).toBeVisible();
  expect((await ticks(page)).at(-1)).toBe(stopped);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect.poll(async () => (await ticks(page)).at(-1)).toBeGreaterThan(stopped + 25);
  const seen = await ticks(page);
  expect(seen).toEqual(seen.map((_, index) => seen[0] + index));
});

test("a log is filtered while one types, and downloaded", async ({ page }) => {
  await openLog(page);
  await expect(page.locator("[data-stream=live]")).toBeVisible();
  await tabTo(page, page.getByRole("searchbox", { name: "Search" }));
  await page.keyboard.type("tick 1");
  await expect(page.getByText(/of the lines below match/)).toBeVisible();
  await expect.poll(async () => (await ticks(page)).every((tick) => String(tick).startsWith("1"))).toBe(true);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^web-\d+-ticker\.log$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toMatch(/no luck[^]*tick 1\n[^]*tick 20\n/);
});

test("a credential is shown, by keyboard, and hidden again", async ({ page }) => {
  await container(page);
  await expect(page.getByText("geheim-5317")).toHaveCount(0);
  await tabTo(page, page.getByRole("button", { name: "Show PASSWORD of ticker" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("geheim-5317")).toBeVisible();
  await expect(page.getByRole("link", { name: "Hide PASSWORD of ticker" })).toBeFocused();
  await sound(page, "a credential that is shown");
  await page.getByRole("link", { name: "Hide PASSWORD of ticker" }).click();
  await expect(page.getByText("geheim-5317")).toHaveCount(0);
});

test("the logs look as they should", async ({ page }) => {
  await openLog(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await sound(page, "the log of a service");
  await container(page);
  await page.getByRole("link", { name: "System log" }).click();
  await expect(log(page)).toContainText("sh: tick");
  await page.getByRole("button", { name: "Pause" }).click();
  await sound(page, "the system log");
});
