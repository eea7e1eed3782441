import { defineConfig } from "@playwright/test";

// scripts/test-browser runs a demo of its own and names it here.
const url = process.env.BERTH_URL;
if (!url) throw new Error("BERTH_URL is not set: run  make test-browser,  or  set -a; . .demo/env  beside a running  make demo");

export default defineConfig({
  testDir: "tests",
  outputDir: "results",
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // One simulated node and one account are behind all of them.
  workers: 1,
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    baseURL: url,
    browserName: "chromium",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // Debian's Chromium has no sandbox for root, and nothing here may reach the internet.
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
