// Simulated Proxmox VE hosts of a test's own, and the root shell on them.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { type Fault, demo, plant } from "./demo.js";

type Ready = { nodes: { node: string; api: string; ssh: string }[]; admin: string };

// One host; the members of a cluster have the same ports.
export class Host {
  readonly address: string;
  readonly port: string;
  readonly sshPort: string;

  constructor(
    readonly pveNode: string,
    readonly api: string,
    ssh: string,
    private readonly askpass: string,
  ) {
    [this.address, this.port] = api.split(":") as [string, string];
    this.sshPort = ssh.split(":")[1]!;
  }

  // Runs what somebody pastes into a root shell, and says what it printed.
  async paste(commands: string): Promise<string> {
    const trust = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "PubkeyAuthentication=no"];
    const options = trust.flatMap((option) => ["-o", option]);
    const ssh = spawn("ssh", ["-F", "none", "-p", this.sshPort, ...options, `root@${this.address}`, "bash"], {
      env: { PATH: process.env.PATH, SSH_ASKPASS: this.askpass, SSH_ASKPASS_REQUIRE: "force" },
    });
    ssh.stdin.end(`${commands}\n`);
    const [printed, complaints, [code]] = await Promise.all([text(ssh.stdout), text(ssh.stderr), once(ssh, "close")]);
    if (code !== 0) throw new Error(`the shell on ${this.api} ended with ${code}:\n${commands}\n${printed}${complaints}`);
    return printed;
  }
}

// The process behind one or more hosts.
export class Simulator {
  private constructor(
    private readonly process: ChildProcess,
    private readonly directory: string,
    private readonly admin: string,
    readonly hosts: Host[],
  ) {}

  static async start(...options: string[]): Promise<Simulator> {
    const directory = await mkdtemp(join(tmpdir(), "berth-host-"));
    const askpass = join(directory, "askpass");
    await writeFile(askpass, `#!/bin/sh\necho '${demo.sshPassword}'\n`, { mode: 0o700 });
    const containers = options.includes("--containers") ? [] : ["--containers", "2"];
    const process = spawn(demo.simulator, ["--data", join(directory, "data"), ...containers, ...options], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(process, "exit").then(() => {
      throw new Error("the simulated host ended before it was ready");
    });
    const [line] = (await Promise.race([once(createInterface(process.stdout!), "line"), ended])) as [string];
    const { nodes, admin } = JSON.parse(line) as Ready;
    const hosts = nodes.map(({ node, api, ssh }) => new Host(node, api, ssh, askpass));
    return new Simulator(process, directory, `http://${admin}`, hosts);
  }

  plant(...faults: Fault[]) {
    return plant(faults, this.admin);
  }

  async stop() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}

// What `pveum user token add` prints of the secret, in its table.
export function tokenSecret(printed: string): string {
  const secret = /│ value +│ ([0-9a-f-]{36}) /.exec(printed)?.[1];
  if (!secret) throw new Error(`no token secret in:\n${printed}`);
  return secret;
}

export function privateKey(printed: string): string {
  const key = /-----BEGIN OPENSSH PRIVATE KEY-----[^]*-----END OPENSSH PRIVATE KEY-----\n/.exec(printed)?.[0];
  if (!key) throw new Error(`no private key in:\n${printed}`);
  return key;
}
