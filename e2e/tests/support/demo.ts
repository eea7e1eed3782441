// The demo under test, as scripts/demo describes it.
import { request } from "@playwright/test";

// Where the shared login is kept between the tests of one run.
export const session = "results/session.json";
export const nobody = { cookies: [], origins: [] };

export const demo = {
  host: process.env.DEMO_HOST ?? "",
  port: process.env.DEMO_PORT ?? "",
  user: process.env.DEMO_USER ?? "",
  password: process.env.DEMO_PASSWORD ?? "",
  realm: process.env.DEMO_REALM ?? "",
  tokenId: process.env.DEMO_TOKEN_ID ?? "",
  tokenSecret: process.env.DEMO_TOKEN_SECRET ?? "",
  sshPort: process.env.DEMO_SSH_PORT ?? "",
  sshPassword: process.env.DEMO_SSH_PASSWORD ?? "",
  admin: process.env.DEMO_ADMIN ?? "",
  simulator: process.env.DEMO_SIMULATOR ?? "",
};

export const root = { user: demo.user, password: demo.password, realm: demo.realm };

// VMIDs and names of this run alone, so that tests may run in any order and again on the same demo.
const run = Math.floor(Date.now() / 1000) % 9_000_000;
let used = 0;
export function fresh() {
  used += 1;
  const vmid = String(100_000 + run * 100 + used);
  return { vmid, hostname: `web-${vmid}`, node: `node-${vmid}` };
}

export type Account = typeof root;
type Factors = { totp?: string; recovery?: string[]; webauthn?: boolean };

// An account of a test's own on the simulated node, such as one with second factors.
export async function account(factors: Factors = {}): Promise<Account> {
  used += 1;
  const made = { user: `guest-${run}-${used}`, password: "guest-Passw0rd", realm: "pve" };
  await put(`${demo.admin}/users/${made.user}@${made.realm}`, { password: made.password, ...factors });
  return made;
}

export type Fault = { kind: string } & Record<string, unknown>;

// Plants faults in the simulated node, in place of all others.
export function plant(faults: Fault[], admin = demo.admin) {
  return put(`${admin}/faults`, faults);
}

async function put(url: string, data: unknown) {
  const client = await request.newContext();
  const answer = await client.put(url, { data });
  if (!answer.ok()) throw new Error(`the simulated node refused ${url}: ${answer.status()} ${await answer.text()}`);
  await client.dispose();
}
