// What takes too long for every run: `make soak`.
import { defineConfig } from "@playwright/test";
import base from "./playwright.config.js";

export default defineConfig({
  ...base,
  testDir: ".",
  timeout: 30 * 60_000,
  // A trace keeps what was on the page, and memory is what is looked at.
  use: { ...base.use, trace: "off", screenshot: "off" },
  projects: base.projects!.map((project) => (project.name === "login" ? project : { ...project, testMatch: "soak/*.soak.ts" })),
});
