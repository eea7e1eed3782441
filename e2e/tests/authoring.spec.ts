import { expect, test, type Page } from "@playwright/test";
import { fresh, nobody } from "./support/demo.js";
import { sound } from "./support/look.js";
import { create, haveNode, logIn, ready } from "./support/steps.js";

const logo = { name: "logo.bin", mimeType: "application/octet-stream", buffer: Buffer.from([0, 255, 13, 10, 128]) };

// A text of the form: the editor where there is one, else the field itself.
async function write(page: Page, name: string, text: string) {
  const box = page.getByRole("textbox", { name, exact: true });
  await box.click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(text);
}

async function author(page: Page, title: string) {
  await page.goto("/templates");
  await page.getByRole("link", { name: "New template" }).click();
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Tags").fill("authored");
  await page.getByLabel("Memory (MiB)").fill("256");
  await page.getByLabel("Name of script 1").fill("10-second.sh");
  await write(page, "Text of script 1", 'echo "second runs"');
  await page.getByRole("button", { name: "Add a script" }).click();
  await page.getByLabel("Name of script 2").fill("20-first.sh");
  await write(page, "Text of script 2", "stat -c 'logo has %s bytes' /srv/logo");
  await page.getByLabel("Upload files").setInputFiles(logo);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(page.getByText("Kept as uploaded, 5 B")).toBeVisible();
  await page.getByLabel("Path").fill("etc/../logo");
  await page.getByRole("button", { name: "Move 20-first.sh up" }).click();
  await page.getByRole("button", { name: "Save template" }).last().click();
  await expect(page.getByText("the path must be absolute")).toBeVisible();
  await expect(page.getByLabel("Name of script 1")).toHaveValue("20-first.sh");
  await page.getByLabel("Path").fill("/srv/logo");
}

async function walk(page: Page) {
  const wanted = fresh();
  const title = `Mine ${wanted.vmid}`;
  await haveNode(page, wanted.node);
  await author(page, title);
  await page.getByRole("button", { name: "Save template" }).last().click();
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "/srv/logo" }).click();
  const chunks: Buffer[] = [];
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).equals(logo.buffer)).toBe(true);

  await create(page, wanted, title);
  await ready(page, wanted);
  const log = page.getByRole("log");
  await expect(log).toContainText("logo has 5 bytes");
  await expect(log).toContainText("second runs");

  await page.goto(`/templates?q=${wanted.vmid}`);
  await expect(page.getByRole("main").getByRole("heading", { level: 2 })).toHaveText([title]);
  await page.getByRole("link", { name: title }).click();
  await page.getByRole("link", { name: "Duplicate" }).click();
  await expect(page.getByLabel("Title")).toHaveValue(`Copy of ${title}`);
  await page.getByRole("button", { name: "Save template" }).last().click();
  await expect(page.getByRole("heading", { level: 1, name: `Copy of ${title}` })).toBeVisible();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Title").fill(`Copied ${title}`);
  await page.getByRole("button", { name: "Save template" }).last().click();
  await expect(page.getByRole("heading", { level: 1, name: `Copied ${title}` })).toBeVisible();
  await page.getByRole("link", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete template" }).click();
  await expect(page.getByText(`Deleted Copied ${title}`)).toBeVisible();
}

test("a container template is written, used, duplicated, edited and deleted", async ({ page }) => {
  test.slow();
  await walk(page);
});

test("how the editor and the list look", async ({ page }) => {
  test.slow();
  await author(page, `Looks ${fresh().vmid}`);
  await page.getByLabel("Mode").fill("999");
  await page.getByRole("button", { name: "Save template" }).last().click();
  await expect(page.getByText("three or four octal digits")).toBeVisible();
  await sound(page, "the editor");
  await page.goto("/templates?q=nginx");
  await sound(page, "found templates");
  await page.goto("/templates?q=nothing-like-it");
  await expect(page.getByText("No template matches")).toBeVisible();
  await sound(page, "no template found");
});

test("the keyboard leaves the editor with Tab", async ({ page }) => {
  await page.goto("/templates/new");
  const editor = page.getByRole("textbox", { name: "Text of script 1", exact: true });
  await editor.click();
  await page.keyboard.type("echo hi");
  await page.keyboard.press("Tab");
  await expect(editor).not.toBeFocused();
  await expect(page.getByRole("button", { name: "Add a script" })).toBeFocused();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, storageState: nobody });

  test("the same works by forms", async ({ page }) => {
    test.slow();
    await logIn(page);
    await walk(page);
  });
});
