// Adding a node: what goes wrong, what the page says then, and that following it word by word works.
import { createServer } from "node:net";
import { expect } from "@playwright/test";
import { copied, expectChecks, row } from "./support/checklist.js";
import { demo } from "./support/demo.js";
import { privateKey, tokenSecret } from "./support/host.js";
import { sound } from "./support/look.js";
import { byKey, byPassword, expectNotSaved, expectUsable, fillFor, nodeCard, submit, test, tickAllShown, trust } from "./support/nodes.js";

const noToken = { Privileges: "Not tried", "PVE node and cluster": "Not tried", "SSH reaches the same PVE node": "Not tried" } as const;
const noHost = { "API token": "Not tried", ...noToken } as const;
const noLogin = { "pct over SSH": "Not tried", "SSH reaches the same PVE node": "Not tried" } as const;

test("certificate and host key are asked for, and the host's shell prints the same", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  const name = await fillFor(page, host);
  await submit(page);
  await expectChecks(page, { "TLS certificate": "Asks you", ...noHost, "SSH host key": "Asks you", "SSH login": "Not tried", ...noLogin });
  await sound(page, "certificate and host key are asked for");
  const printed = await host.paste(await copied(page, row(page, "TLS certificate")));
  await expect(page.getByText(/^sha256 Fingerprint=(\S+)\n$/.exec(printed)![1]!)).toBeVisible();
  const keys = await host.paste(await copied(page, row(page, "SSH host key")));
  const shown = await page.getByRole("definition").filter({ hasText: "SHA256:" }).innerText();
  expect(keys).toContain(` ${shown} `);
  await expectNotSaved(page, name);
  await trust(page);
  await expectUsable(page, name);
});

const tokens = [
  { what: "a wrong secret", id: demo.tokenId, secret: "00000000-1111-4222-8333-444444444444" },
  { what: "a token that does not exist", id: "root@pam!nosuch", secret: demo.tokenSecret },
];
for (const { what, id, secret } of tokens) {
  test(`${what}: the commands beside it make the token anew`, async ({ page, start }) => {
    const host = (await start()).hosts[0]!;
    const name = await fillFor(page, host);
    await page.getByLabel("Token ID").fill(id);
    await page.getByLabel("Token secret").fill(secret);
    await submit(page);
    await trust(page);
    await expectChecks(page, { "API token": "Failed", ...noToken });
    await expect(row(page, "API token")).toContainText("refused the credentials");
    await expect(row(page, "API token")).toContainText("The last line prints the secret");
    await expect(page.getByLabel("Token secret")).toHaveAccessibleDescription(/refused the credentials/);
    await sound(page, what);
    await expectNotSaved(page, name);
    await page.getByLabel("Token secret").fill(tokenSecret(await host.paste(await copied(page, row(page, "API token")))));
    await submit(page);
    await expectUsable(page, name);
  });
}

test("missing privileges: the commands beside them grant them", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  const name = await fillFor(page, host);
  await page.getByLabel("Token ID").fill("root@pam!sep3");
  await submit(page);
  await trust(page);
  // Whoever may see no container cannot tell whether both are the same machine by them.
  await expectChecks(page, { Privileges: "Failed", "PVE node and cluster": "Failed", "SSH reaches the same PVE node": "Not tried" });
  await expect(row(page, "Privileges")).toContainText(/Missing: .*VM\.Allocate.*with privilege separation it needs a grant of its own/);
  await expect(row(page, "Privileges")).toContainText("Grant them to root@pam!sep3 on /");
  await expect(page.getByLabel("Token ID")).toHaveAccessibleDescription(/Missing: /);
  await sound(page, "missing privileges");
  await expectNotSaved(page, name);
  await host.paste(await copied(page, row(page, "Privileges")));
  await submit(page);
  await expectUsable(page, name);
});

test("a wrong port: the message names the one that Proxmox has", async ({ page, start }) => {
  // The port is Proxmox's own, so the address is one that nobody else listens on.
  const address = `127.86.${process.pid % 250}.1`;
  const host = (await start("--api", `${address}:8006`, "--ssh", `${address}:0`)).hosts[0]!;
  const name = await fillFor(page, host);
  await page.getByLabel("API port").fill("8007");
  await submit(page);
  await expectChecks(page, { "TLS certificate": "Failed", ...noHost, "SSH host key": "Asks you", "SSH login": "Not tried", ...noLogin });
  await expect(row(page, "TLS certificate")).toContainText(`${address}:8007 cannot be reached: nothing listens on this port`);
  await expect(page.getByLabel("Host", { exact: true })).toHaveAccessibleDescription(/nothing listens on this port/);
  await sound(page, "a wrong port");
  const remedy = await row(page, "TLS certificate").innerText();
  await page.getByLabel("API port").fill(/Proxmox's API listens on port (\d+)/.exec(remedy)![1]!);
  await submit(page);
  await expectChecks(page, { "TLS certificate": "Asks you", ...noHost, "SSH host key": "Asks you", "SSH login": "Not tried", ...noLogin });
  await trust(page);
  await expectUsable(page, name);
});

test("a certificate that changes between the question and the answer is asked for again, with both", async ({ page, start }) => {
  const simulator = await start();
  const host = simulator.hosts[0]!;
  const name = await fillFor(page, host);
  await submit(page);
  const fingerprint = page.getByText(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  const before = await fingerprint.innerText();
  await simulator.plant({ kind: "changed-certificate" });
  await trust(page);
  await expectChecks(page, { "TLS certificate": "Asks you", ...noHost });
  await expect(row(page, "TLS certificate")).toContainText("another certificate than the one you trusted. Nothing secret was sent");
  await expect(page.getByRole("heading", { name: "The certificate has changed" })).toBeVisible();
  await sound(page, "a certificate that changed before the save");
  const printed = await host.paste(await copied(page, row(page, "TLS certificate")));
  const now = /^sha256 Fingerprint=(\S+)\n$/.exec(printed)![1]!;
  await expect(page.getByText(before)).toBeVisible();
  await expect(page.getByText(now).first()).toBeVisible();
  await expectNotSaved(page, name);
  await trust(page);
  await expectUsable(page, name);
});

test("a wrong SSH password: the commands beside it make a key that logs in", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  const name = await fillFor(page, host);
  await byPassword(page, "wrong");
  await submit(page);
  await trust(page);
  await expectChecks(page, { "SSH login": "Failed", ...noLogin });
  await expect(row(page, "SSH login")).toContainText("refused the login of root");
  await expect(row(page, "SSH login")).toContainText(`ssh -p ${host.sshPort} root@${host.address}`);
  await expect(page.getByRole("textbox", { name: "Password" })).toHaveAccessibleDescription(/refused the login of root/);
  await sound(page, "a wrong SSH password");
  await expectNotSaved(page, name);
  await byKey(page, privateKey(await host.paste(await copied(page, row(page, "SSH login")))));
  await submit(page);
  await expectUsable(page, name);
});

test("a key with a passphrase: the wrong one is told at once, and the key is let in by the commands", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  const name = await fillFor(page, host);
  const key = privateKey(await host.paste("ssh-keygen -q -t ed25519 -N 'right-Passphrase' -f /tmp/mine && cat /tmp/mine"));
  await byKey(page, key, "wrong");
  await submit(page);
  await expect(page.getByRole("alert")).toContainText("One field needs another look");
  await expect(page.getByLabel("Passphrase")).toHaveAccessibleDescription(/passphrase/);
  await expect(page.getByLabel("Private key", { exact: true }).last()).toHaveValue(key);
  await expect(page.getByLabel("Token secret")).toHaveValue(demo.tokenSecret);
  await sound(page, "a wrong passphrase");
  await page.getByLabel("Passphrase").fill("right-Passphrase");
  await submit(page);
  await trust(page);
  await expectChecks(page, { "SSH login": "Failed", ...noLogin });
  await expect(row(page, "SSH login")).toContainText("Let the key in");
  await sound(page, "a key that is not let in");
  await expectNotSaved(page, name);
  await host.paste(await copied(page, row(page, "SSH login")));
  await submit(page);
  await expectUsable(page, name);
});

test("a user without sudo: the commands beside it allow pct and nothing else", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  const name = await fillFor(page, host);
  await host.paste("adduser --disabled-password --gecos '' harbour");
  await host.paste("echo harbour:harbour-Passw0rd | chpasswd");
  await page.getByLabel("User", { exact: true }).fill("harbour");
  await byPassword(page, "harbour-Passw0rd");
  await submit(page);
  await trust(page);
  await expectChecks(page, { "pct over SSH": "Failed", "SSH reaches the same PVE node": "Not tried" });
  await expect(row(page, "pct over SSH")).toContainText("harbour may not run pct by sudo without a password");
  await sound(page, "a user without sudo");
  await expectNotSaved(page, name);
  await host.paste(await copied(page, row(page, "pct over SSH")));
  await submit(page);
  await expectUsable(page, name);
});

test("the page's own commands make a token, a user and a key that pass", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  const name = await fillFor(page, host);
  const commands = (id: string) => copied(page, page.locator(".command").filter({ has: page.locator(`#${id}`) }));
  await page.getByLabel("Token ID").fill("berth@pve!berth");
  await page.getByLabel("Token secret").fill(tokenSecret(await host.paste(await commands("commands-api"))));
  await page.getByRole("radio", { name: "Private key" }).check();
  await page.getByText("Commands that make a key and let it in").click();
  await sound(page, "the commands");
  await page.getByLabel("User", { exact: true }).fill("berth");
  await byKey(page, privateKey(await host.paste(await commands("commands-sudo"))));
  await submit(page);
  await trust(page);
  await expectUsable(page, name);
  const other = await fillFor(page, host);
  await page.getByRole("radio", { name: "Private key" }).check();
  await page.getByText("Commands that make a key and let it in").click();
  await byKey(page, privateKey(await host.paste(await commands("commands-ssh"))));
  await submit(page);
  await trust(page);
  await expectUsable(page, other);
});

test("a cluster of three: the other members are added with one click each", async ({ page, start }) => {
  const simulator = await start("--cluster", "--nodes", "3");
  const [first, second, third] = simulator.hosts;
  const name = await fillFor(page, first!);
  await submit(page);
  await trust(page);
  // Good news goes by itself: before anything that may take longer.
  await expect(page.getByRole("status").filter({ hasText: `Added ${name}` })).toContainText(`${second!.pveNode}, ${third!.pveNode}`);
  await expectUsable(page, name);
  await sound(page, "a cluster of which one member is added");
  for (const member of [second!, third!]) {
    await nodeCard(page, name).getByRole("button", { name: `Add ${member.pveNode}` }).click();
    await expectChecks(page, { "SSH host key": "Asks you", "SSH login": "Not tried", ...noLogin });
    await expect(row(page, "TLS certificate")).toContainText(`${name}, which you trust, knows it as this member's`);
    if (member === second) await sound(page, "another member of a cluster");
    const keys = await member.paste(await copied(page, row(page, "SSH host key")));
    const shown = await page.getByRole("definition").filter({ hasText: "SHA256:" }).innerText();
    expect(keys).toContain(` ${shown} `);
    await trust(page);
    await expectUsable(page, member.pveNode);
  }
  await expect(nodeCard(page, name)).not.toContainText("Also in this cluster");
});

test("a test that is cancelled saves nothing, and shows what it found until then", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  // Takes a connection and says nothing.
  const silent = createServer().listen(0, "127.0.0.1");
  const port = await new Promise<number>((listening) => {
    silent.on("listening", () => listening((silent.address() as { port: number }).port));
  });
  const name = await fillFor(page, host);
  await page.getByLabel("Port", { exact: true }).fill(String(port));
  await submit(page);
  await expectChecks(page, { "TLS certificate": "Asks you", ...noHost, "SSH host key": "Testing", "SSH login": "Waiting", "pct over SSH": "Waiting", "SSH reaches the same PVE node": "Waiting" });
  await page.getByRole("button", { name: "Cancel the test" }).click();
  await expect(page.getByText("Cancelled. Nothing is saved.")).toBeVisible();
  await expect(page.getByLabel("Token secret")).toHaveValue(demo.tokenSecret);
  await expectNotSaved(page, name);
  silent.close();
  await page.getByLabel("Port", { exact: true }).fill(host.sshPort);
  await submit(page);
  await trust(page);
  await expectUsable(page, name);
});

test("a double click adds one node", async ({ page, start }) => {
  const host = (await start()).hosts[0]!;
  const name = await fillFor(page, host);
  await submit(page);
  const go = await tickAllShown(page);
  const asked: string[] = [];
  page.on("request", (request) => request.method() === "POST" && asked.push(request.url()));
  await go.dblclick();
  await expectUsable(page, name);
  expect(asked).toHaveLength(1);
});
