//! A simulated Proxmox host as a process, and its admin port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use berth_domain::{HostPort, Vmid};
use berth_proxmox::ssh::{Limits, Stdin, probe_host_key};
use berth_proxmox::{Pct, SshConnection, SshCredential, SshTarget};
use serde::Deserialize;
use serde_json::Value;

use crate::binaries;
use crate::process::Process;
use crate::wait::{DEADLINE, wait_until};

/// The password of `root@pam` on the recorded host, also for SSH.
pub const ROOT_PASSWORD: &str = "FAKE-Passw0rd";
/// A token of the recorded host that may do everything.
pub const TOKEN_ID: &str = "root@pam!rig";
/// Its secret.
pub const TOKEN_SECRET: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
/// Tasks of the recorded host take seconds; so much quicker than that.
const SPEED: &str = "20";

/// One simulated host.
#[derive(Clone, Debug, Deserialize)]
pub struct SimulatedNode {
    /// The PVE node name.
    #[serde(rename = "node")]
    pub name: String,
    /// Address of the REST API.
    pub api: SocketAddr,
    /// Address of the SSH server.
    pub ssh: SocketAddr,
    /// SHA-256 of its certificate, `AB:CD:…`.
    pub certificate_sha256: String,
    /// SHA-256 of its SSH host key, `SHA256:…`.
    pub host_key_sha256: String,
}

/// A running `berth-simulator`.
#[derive(Debug)]
pub struct SimulatorProcess {
    data: PathBuf,
    /// Address of the first host's REST API.
    pub api: SocketAddr,
    /// Address of the first host's SSH server.
    pub ssh: SocketAddr,
    /// All hosts, in order.
    pub nodes: Vec<SimulatedNode>,
    admin: String,
    http: reqwest::Client,
    /// The process itself.
    pub process: Process,
}

impl SimulatorProcess {
    /// Starts one as the recorded host, keeping its state in `directory`.
    pub async fn start(directory: &Path) -> Self {
        Self::start_with(directory, &["--seed", "recorded"]).await
    }

    /// Starts one that shows another certificate and host key than any other, and that any password, token or key opens.
    /// `directory` must be its own.
    pub async fn impostor(directory: &Path) -> Self {
        Self::start_with(directory, &["--seed", "recorded", "--accept-any-password"]).await
    }

    /// Starts a cluster of three, `pve`, `pve2` and `pve3`: each on a loopback address of its own, on the same ports.
    pub async fn cluster(directory: &Path) -> Self {
        Self::start_with(directory, &["--nodes", "3", "--cluster", "--seed", "recorded"]).await
    }

    /// Starts one with these options, see `berth-simulator --help`; `--data` and `--speed` are given already.
    pub async fn start_with(directory: &Path, options: &[&str]) -> Self {
        let data = directory.join("simulator");
        std::fs::create_dir_all(&data).unwrap();
        let place = data.to_string_lossy().into_owned();
        let arguments = [options, &["--data", &place, "--speed", SPEED]].concat();
        let log = directory.join("simulator.log");
        let mut process = Process::start(&binaries::path("berth-simulator"), &arguments, &[], log);
        process.said("\"admin\"").await;
        let log = process.log();
        let line = log.lines().find(|line| line.starts_with('{')).unwrap();
        let ready: Value = serde_json::from_str(line).unwrap();
        let nodes: Vec<SimulatedNode> = serde_json::from_value(ready["nodes"].clone()).unwrap();
        Self {
            api: nodes[0].api,
            ssh: nodes[0].ssh,
            nodes,
            admin: format!("http://{}", ready["admin"].as_str().unwrap()),
            http: crate::browser::http(),
            data,
            process,
        }
    }

    /// Plants these faults instead of those that are planted; see `berth-simulator --help`.
    pub async fn faults(&self, faults: Value) {
        let answer =
            self.http.put(format!("{}/faults", self.admin)).body(faults.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// What the REST API answers to a form that is sent as it stands, with the token that may do everything.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        // Its certificate is one of its own, and nothing here is secret.
        let http =
            reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build().unwrap();
        let url = format!("https://{}/api2/json{path}", self.api);
        let token = format!("PVEAPIToken={TOKEN_ID}={TOKEN_SECRET}");
        let answer = http.post(url).header("authorization", token).form(form).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    /// The faults that have not struck yet.
    pub async fn planted(&self) -> Vec<Value> {
        self.get("faults").await.as_array().unwrap().clone()
    }

    /// How often `pct` was called for a container.
    pub async fn pct_calls(&self, vmid: u32) -> u64 {
        self.get("calls").await["counts"][format!("pct {vmid}")].as_u64().unwrap_or(0)
    }

    /// How often the REST API was asked this, such as `POST /nodes/pve/lxc`.
    pub async fn requests(&self, request: &str) -> usize {
        let calls = self.calls().await;
        calls.iter().filter(|call| call["kind"] == "api" && call["what"] == request).count()
    }

    /// All that reached it since its start or [`Self::forget_calls`], as `GET /calls` of the admin port tells.
    pub async fn calls(&self) -> Vec<Value> {
        self.get("calls").await["calls"].as_array().unwrap().clone()
    }

    /// Empties its log.
    pub async fn forget_calls(&self) {
        let answer = self.http.delete(format!("{}/calls", self.admin)).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/{path}", self.admin)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// The password that a container was created with.
    pub fn container_password(&self, vmid: u32) -> String {
        let state = std::fs::read(self.data.join("pve/state.json")).unwrap();
        let state: Value = serde_json::from_slice(&state).unwrap();
        state["containers"][vmid.to_string()]["password"]
            .as_str()
            .expect("a container made by Berth has a password")
            .to_owned()
    }

    /// The private root of a container on this machine: what is in it without asking anybody inside.
    pub fn container_root(&self, vmid: u32) -> PathBuf {
        self.data.join("pve/guests").join(vmid.to_string()).join("rootfs")
    }

    /// What a command prints in a root shell on the host at this place of [`Self::nodes`]; fails when it fails.
    pub async fn root_shell(&self, node: usize, script: &str) -> String {
        let limits = Limits { deadline: DEADLINE, max_output: 1 << 20 };
        let ssh = Self::connect(self.nodes[node].ssh).await;
        let command = berth_proxmox::Command::new("bash").arg("-c").arg(script);
        let output = ssh.run(&command, Stdin::Empty, limits).await.unwrap();
        assert!(output.exit.success(), "{script}: {}", output.stderr_text());
        output.stdout_text()
    }

    /// Makes or replaces a user such as `bob@pve`: a password, `roles` on `/`, and second factors as `totp` (a base32 secret),
    /// `recovery` (a list of keys) and `webauthn` (true). See `berth-simulator --help`.
    pub async fn user(&self, userid: &str, user: Value) {
        let url = format!("{}/users/{userid}", self.admin);
        let answer = self.http.put(url).body(user.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// The containers on the host, as `pct list` tells.
    pub async fn containers(&self) -> Vec<u32> {
        self.pct().await.list().await.unwrap().iter().map(|entry| entry.vmid.get()).collect()
    }

    /// What a shell command inside a container prints; fails when it fails.
    pub async fn shell(&self, vmid: u32, script: &str) -> String {
        let limits = Limits { deadline: DEADLINE, max_output: 1 << 20 };
        let pct = self.pct().await;
        let output =
            pct.run(Vmid::new(vmid).unwrap(), &["sh", "-c", script], Stdin::Empty, limits).await.unwrap();
        assert!(output.exit.success(), "{script}: {}", output.stderr_text());
        output.stdout_text()
    }

    /// Waits until a shell command inside a container succeeds.
    pub async fn until(&self, vmid: u32, script: &str) {
        let limits = Limits { deadline: DEADLINE, max_output: 1 << 20 };
        let (pct, vmid) = (self.pct().await, Vmid::new(vmid).unwrap());
        wait_until(DEADLINE, script, async || {
            let output = pct.run(vmid, &["sh", "-c", script], Stdin::Empty, limits).await.ok()?;
            output.exit.success().then_some(())
        })
        .await;
    }

    async fn pct(&self) -> Pct {
        Pct::new(Self::connect(self.ssh).await)
    }

    async fn connect(address: SocketAddr) -> SshConnection {
        let host: HostPort = address.to_string().parse().unwrap();
        let deadline = Duration::from_secs(20);
        let host_key = probe_host_key(&host, deadline).await.unwrap();
        let credential = SshCredential::Password(ROOT_PASSWORD.into());
        let target = SshTarget { host, user: "root".into(), credential, host_key };
        SshConnection::connect(&target, deadline).await.unwrap()
    }
}
