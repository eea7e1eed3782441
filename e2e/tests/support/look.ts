// How a page looks: to axe, and, with BERTH_SCREENSHOTS=DIRECTORY, to whoever looks at the pictures.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import type { AxeResults } from "axe-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const album = process.env.BERTH_SCREENSHOTS;

// The page as it is now, at both widths and in both themes. Only contrast depends on the theme.
export async function sound(page: Page, what: string) {
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect.soft(overflow, `${what} at ${width} px: wider than the window by`).toBeLessThanOrEqual(0);
    expect.soft(await violations(page, "light"), `${what} at ${width} px, light`).toEqual([]);
    await picture(page, what, width, "light");
    expect.soft(await violations(page, "dark", ["color-contrast"]), `${what} at ${width} px, dark`).toEqual([]);
    await picture(page, what, width, "dark");
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

async function picture(page: Page, what: string, width: number, theme: string) {
  if (!album) return;
  const name = what.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "home";
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(album, `${name}.${width}.${theme}.png`), fullPage: true });
}

async function violations(page: Page, colorScheme: "light" | "dark", rules?: string[]) {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const found = await page.evaluate(async (runOnly) => {
    // Colours must not be judged in the middle of a change.
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
    const { axe } = window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } };
    return (await axe.run({ resultTypes: ["violations"], ...(runOnly && { runOnly }) })).violations;
  }, rules);
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(" ")} (${node.any[0]?.message ?? ""})`).join(", ")}`);
}
