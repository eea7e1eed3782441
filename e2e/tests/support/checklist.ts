// The test of a node, row by row.
import { expect, type Locator, type Page } from "@playwright/test";

export const checks = [
  "TLS certificate",
  "API token",
  "Privileges",
  "PVE node and cluster",
  "SSH host key",
  "SSH login",
  "pct over SSH",
  "SSH reaches the same PVE node",
] as const;
export type Check = (typeof checks)[number];
export type State = "Passed" | "Failed" | "Warning" | "Asks you" | "Not tried" | "Testing" | "Waiting";

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// Every row: those that are not named have passed.
export async function expectChecks(page: Page, others: Partial<Record<Check, State>>) {
  const rows = page.getByRole("list", { name: "Checks" }).getByRole("listitem");
  await expect(rows).toHaveText(checks.map((check) => new RegExp(`^\\s*${others[check] ?? "Passed"}: ${escaped(check)} `)));
}

export function row(page: Page, check: Check): Locator {
  const rows = page.getByRole("list", { name: "Checks" }).getByRole("listitem");
  return rows.filter({ has: page.getByText(check, { exact: true }) });
}

// The commands that stand there, as its button copies them.
export async function copied(page: Page, place: Locator): Promise<string> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate(() => navigator.clipboard.writeText(""));
  await place.getByRole("button", { name: "Copy the commands" }).click();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(clipboard).not.toBe("");
  const commands = await clipboard();
  expect(commands).toBe((await place.getByRole("group", { name: "Commands" }).innerText()).trim());
  return commands;
}
