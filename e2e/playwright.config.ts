import { defineConfig } from "@playwright/test";
import { session } from "./tests/support/demo.js";

// scripts/test-browser runs a demo of its own and names it here.
const url = process.env.BERTH_URL;
if (!url) throw new Error("BERTH_URL is not set: run  make test-browser,  or  set -a; . .demo/env  beside a running  make demo");

export default defineConfig({
  testDir: "tests",
  outputDir: "results",
  timeout: 120_000,
  expect: { timeout: 20_000 },
  // One simulated node and one account are behind all of them.
  workers: 1,
  forbidOnly: true,
  reporter: [["list"]],
  projects: [
    { name: "login", testMatch: "login.setup.ts" },
    // Logins are counted, so one is shared; tests about logging in start without it.
    { name: "browser", testMatch: "*.spec.ts", dependencies: ["login"], use: { storageState: session } },
  ],
  use: {
    baseURL: url,
    actionTimeout: 30_000,
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
