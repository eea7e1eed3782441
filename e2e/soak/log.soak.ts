// A log is followed for ten minutes at a thousand lines a second: nothing grows, and a pause loses nothing.
import { readFileSync, readdirSync } from "node:fs";
import { expect, test, type CDPSession, type Page } from "@playwright/test";
import { fresh } from "../tests/support/demo.js";
import { createWith, haveNode } from "../tests/support/steps.js";

const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
const RATE = 1000;

// As many lines as are due ten times a second, by the clock: being late is made up for.
const script = `cat >/root/flood.sh <<'END'
begin=$(date +%s%N)
last=0
while :; do
  due=$(( ($(date +%s%N) - begin) * ${RATE} / 1000000000 ))
  [ "$due" -gt "$last" ] && seq -f 'line %.0f of the flood, as long as lines of a web server usually are: GET /index.html 200 1234' $((last + 1)) "$due"
  last=$due
  sleep 0.1
done
END
printf '[Unit]\\nDescription=A flood\\n[Service]\\nExecStart=/bin/sh /root/flood.sh\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/flood.service
systemctl daemon-reload
systemctl enable --now flood
`;

type Seen = { first: number; last: number; count: number; gaps: string[] };

// Counts the lines as the page takes them in: each event of the stream is parsed once.
function count() {
  const seen: Seen = { first: 0, last: 0, count: 0, gaps: [] };
  Object.assign(window, { seen });
  const original = JSON.parse;
  JSON.parse = (...given) => {
    const value = original(...given);
    for (const line of Array.isArray(value?.lines) ? value.lines : []) {
      const number = Number(/line (\d+) of the flood/.exec(line.text)?.[1] ?? Number.NaN);
      if (Number.isNaN(number)) continue;
      if (seen.first === 0) seen.first = number;
      else if (number !== seen.last + 1) seen.gaps.push(`${seen.last} to ${number}`);
      seen.last = number;
      seen.count += 1;
    }
    return value;
  };
}

const seen = (page: Page) => page.evaluate(() => (window as unknown as { seen: Seen }).seen);
const resident = (pid: number) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

// The web process of this demo: it holds the port.
function web(): number {
  const port = new URL(process.env.BERTH_URL!).port;
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
      const environment = readFileSync(`/proc/${entry}/environ`, "utf8");
      if (words[0]?.endsWith("/berth") && words[1] === "web" && environment.includes(`BERTH_LISTEN=127.0.0.1:${port}\0`)) return Number(entry);
    } catch {
      // It has ended meanwhile, or is somebody else's.
    }
  }
  throw new Error("the web process is not found");
}

async function renderer(browser: CDPSession): Promise<number> {
  const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  return renderers.reduce((most, { id }) => (resident(id) > resident(most) ? id : most), renderers[0]!.id);
}

test("a log is followed for long", async ({ page, browser }) => {
  const wanted = fresh();
  await haveNode(page, wanted.node);
  await createWith(page, wanted, script);
  await page.addInitScript(count);
  await page.getByRole("link", { name: "Open container" }).click();
  await page.getByRole("link", { name: "Services" }).click();
  await page.getByRole("link", { name: "Log of flood" }).click();
  await expect(page.locator("[data-stream=live]")).toBeVisible();
  const session = await page.context().newCDPSession(page);
  const whole = await browser.newBrowserCDPSession();
  const server = web();

  async function sample(minute: number) {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    const memory = { web: resident(server), heap: usedSize / 1_048_576, renderer: resident(await renderer(whole)), nodes };
    const { last, count } = await seen(page);
    const words = Object.entries(memory).map(([name, value]) => `${name} ${value.toFixed(1)}`);
    console.log(`minute ${minute}: ${words.join(", ")}, ${count} lines, the last is ${last}`);
    return memory;
  }

  // Two minutes, and everything is as large as it gets.
  const begin = Date.now();
  const until = (minute: number) => expect.poll(() => (Date.now() - begin) / 60_000, { timeout: 20 * 60_000, intervals: [1000] }).toBeGreaterThan(minute);
  await until(MINUTES * 0.2);
  const early = await sample(MINUTES * 0.2);

  await until(MINUTES * 0.5);
  await page.getByRole("button", { name: "Pause" }).click();
  const paused = await seen(page);
  // Longer than the page keeps: the stream is closed meanwhile.
  await expect(page.getByText(/^Paused, more than \d+ new lines$/)).toBeVisible({ timeout: 60_000 });
  await until(MINUTES * 0.5 + 0.25);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect.poll(async () => (await seen(page)).last).toBeGreaterThan(paused.last + 15 * RATE);
  await sample(MINUTES * 0.6);

  await until(MINUTES);
  const late = await sample(MINUTES);
  const { first, last, count: lines, gaps } = await seen(page);
  expect(gaps).toEqual([]);
  expect(lines).toBe(last - first + 1);
  expect(lines).toBeGreaterThan(MINUTES * 60 * RATE * 0.95);
  expect(late.web).toBeLessThan(early.web * 1.1 + 4);
  expect(late.heap).toBeLessThan(early.heap * 1.25 + 4);
  expect(late.renderer).toBeLessThan(early.renderer * 1.25 + 20);
  expect(late.nodes).toBeLessThan(early.nodes * 1.2);
});
