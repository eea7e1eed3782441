import { chromium } from "playwright";
const base = process.argv[2], port = Number(process.argv[3]);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const ctx = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await ctx.newPage();
page.on("console", (m) => m.type() === "error" && console.log("console:", m.text()));
page.on("pageerror", (e) => console.log("pageerror:", e.message));
await page.goto(base);
if (page.url().includes("/login")) {
  await page.getByLabel("Proxmox host").fill("127.0.0.1");
  await page.getByLabel("Port").fill(String(port));
  await page.getByLabel("User").fill("root");
  await page.getByLabel("Password").fill("FAKE-Passw0rd");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByLabel(/Trust this certificate/).check();
  await page.getByLabel("Password").fill("FAKE-Passw0rd");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(base + "/");
}
await page.screenshot({ path: "/tmp/look/none.png" });
await page.goto(base + "/settings/nodes");
if ((await page.getByText("attic").count()) === 0) {
  await page.goto(base + "/settings/nodes/new");
  await page.getByLabel("Name", { exact: true }).fill("attic");
  await page.getByLabel("Host", { exact: true }).first().fill("127.0.0.1");
  await page.locator("[name=port]").fill(String(port));
  await page.locator("[name=token_id]").fill("root@pam!dash");
  await page.locator("[name=token_secret]").fill("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee");
  await page.locator("[name=ssh_auth][value=password]").check();
  await page.locator("[name=ssh_port]").fill(String(port + 1));
  await page.locator("[name=ssh_password]").fill("FAKE-Passw0rd");
  for (let i = 0; i < 4 && page.url().includes("new") || page.url().endsWith("/nodes") && (await page.locator("form[action='/settings/nodes']").count()); i++) {
    for (const name of ["trusted_certificate", "trusted_host_key"]) {
      const box = page.locator(`[name=${name}]`);
      if (await box.count()) await box.check();
    }
    if (await page.locator("[name=token_secret]").count()) {
      await page.locator("[name=token_secret]").fill("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee");
      await page.locator("[name=ssh_password]").fill("FAKE-Passw0rd");
      await page.locator("form[action='/settings/nodes'] button[type=submit]").last().click();
      await page.waitForTimeout(4000);
    }
    if (i > 4) break;
  }
}
console.log(page.url());
await page.goto(base);
await page.waitForTimeout(4000);
for (const [w, h] of [[1280, 900], [360, 740]])
  for (const scheme of ["light", "dark"])
    for (const [name, path] of [["cards", "/"], ["table", "/?view=table&group=node"]]) {
      await page.setViewportSize({ width: w, height: h });
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto(base + path);
      await page.waitForTimeout(300);
      await page.screenshot({ path: `/tmp/look/${name}-${w}-${scheme}.png` });
    }
await ctx.storageState({ path: "/tmp/look/state.json" });
await browser.close();
