// What takes too long for every run: `make soak`.
import { defineConfig } from "@playwright/test";
import base from "./playwright.config.js";

export default defineConfig({
  ...base,
  testDir: ".",
  timeout: 30 * 60_000,
  projects: base.projects!.map((project) => (project.name === "login" ? project : { ...project, testMatch: "soak/*.soak.ts" })),
});
