//! What a simulated host received, from its own log.

use std::time::Duration;

use serde_json::Value;

use crate::simulator::SimulatorProcess;
use crate::wait::wait_until;

/// An attempt to log in over SSH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshAttempt {
    /// The host, such as `pve`.
    pub node: String,
    /// `none`, `password` or `publickey`.
    pub method: String,
    /// Who it was to be.
    pub user: String,
    /// The password in clear, or the key's `SHA256:…` fingerprint.
    pub secret: Option<String>,
    /// Whether it was let in.
    pub accepted: bool,
}

fn text(call: &Value, key: &str) -> String {
    call[key].as_str().unwrap_or_default().to_owned()
}

impl SimulatorProcess {
    /// Each TCP connection that was accepted: the host's name and `api` or `ssh`. Empty when nobody connected.
    pub async fn connections(&self) -> Vec<(String, String)> {
        let calls = self.of_kind("connection").await;
        calls.iter().map(|call| (text(call, "node"), text(call, "what"))).collect()
    }

    /// Every password that was sent to it, to log in over the API or SSH; second factors and tickets in that place too.
    pub async fn passwords_received(&self) -> Vec<String> {
        let calls = self.calls().await;
        let bears_password = |call: &&Value| match call["kind"].as_str() {
            Some("api") => call["what"].as_str().is_some_and(|what| what.ends_with("/access/ticket")),
            Some("sshattempt") => call["what"] == "password",
            _ => false,
        };
        let sent = calls.iter().filter(bears_password).filter_map(|call| call["secret"].as_str());
        sent.map(str::to_owned).collect()
    }

    /// Every API token that was sent to it, as `user@realm!token=secret`.
    pub async fn tokens_received(&self) -> Vec<String> {
        let calls = self.of_kind("api").await;
        let bears_token =
            |call: &&Value| !call["what"].as_str().is_some_and(|what| what.ends_with("/access/ticket"));
        let sent = calls.iter().filter(bears_token).filter_map(|call| call["secret"].as_str());
        sent.map(str::to_owned).collect()
    }

    /// Every attempt to log in over SSH, in order.
    pub async fn ssh_attempts(&self) -> Vec<SshAttempt> {
        let attempt = |call: &Value| SshAttempt {
            node: text(call, "node"),
            method: text(call, "what"),
            user: text(call, "user"),
            secret: call["secret"].as_str().map(str::to_owned),
            accepted: call["accepted"] == true,
        };
        self.of_kind("sshattempt").await.iter().map(attempt).collect()
    }

    /// Waits until the log has a call of this kind (`connection`, `api`, `sshattempt`, `sshlogin`, `exec`, `pct`).
    pub async fn received(&self, kind: &str) {
        let what = format!("the simulated host receives {kind}");
        wait_until(Duration::from_mins(1), &what, async || {
            (!self.of_kind(kind).await.is_empty()).then_some(())
        })
        .await;
    }

    async fn of_kind(&self, kind: &str) -> Vec<Value> {
        self.calls().await.into_iter().filter(|call| call["kind"] == kind).collect()
    }
}
