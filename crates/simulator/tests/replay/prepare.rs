//! What each group of recordings presupposes: the steps between the recorded ones.

use berth_simulator::seed::TOKEN_SECRET;
use berth_simulator::state::{Caller, Params, Role, Token};

use super::Replay;

/// These were recorded while a task ran.
const WHILE_RUNNING: &[u32] =
    &[116, 117, 118, 119, 120, 121, 122, 143, 198, 267, 268, 269, 288, 302, 304, 305, 306];

/// The privileges of the role `DashCreate`, step by step.
const STEPS: [&[&str]; 6] = [
    &["VM.Audit"],
    &["VM.Allocate"],
    &["Datastore.AllocateSpace"],
    &["Datastore.Audit"],
    &["SDN.Use"],
    &["VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options"],
];

impl Replay {
    pub(super) async fn prepare(&self, number: u32) {
        if !WHILE_RUNNING.contains(&number) {
            self.idle().await;
        }
        match number {
            16 => self.forget_token("root@pam!dash"),
            106 => self.destroy(160).await,
            115 => self.destroy(161).await,
            177 => self.start_container(102).await,
            198 => {
                let unpacking = |host: &berth_simulator::state::Host| {
                    host.read(|model| {
                        let mut creating =
                            model.tasks.iter().filter(|task| task.upid.contains(":vzcreate:105:"));
                        creating.any(|task| task.log.iter().any(|line| line.starts_with("extracting")))
                    })
                };
                self.until("unpacking 105", unpacking).await;
            }
            239 => self.grant(1),
            240..=245 => self.grant(number as usize - 239),
            251 => self.add_token("root@pam!expired", 1),
            253 => self.enable_alice(false),
            254 => self.enable_alice(true),
            260 => self.add_token("alice@pve!t1", 0),
            266 => {
                for vmid in [102, 152] {
                    self.destroy(vmid).await;
                }
            }
            267 => self.until("102 runs", |host| host.is_running(102)).await,
            273 | 301 => {
                for vmid in [102, 106] {
                    self.destroy(vmid).await;
                }
                self.create(102).await;
            }
            282 => self.destroy(102).await,
            302 => {
                let locked = |host: &berth_simulator::state::Host| {
                    host.config(102)
                        .is_ok_and(|config| config.get("lock").is_some_and(|lock| lock == "backup"))
                };
                self.until("102 is locked", locked).await;
            }
            330 => {
                for vmid in self.host().list().into_iter().filter(|vmid| *vmid != 101) {
                    self.destroy(vmid).await;
                }
                let upid = self.host().stop(&Caller::root(), 101, &Params::new()).unwrap();
                self.host().wait(&upid).await;
            }
            _ => {}
        }
    }

    async fn start_container(&self, vmid: u32) {
        let upid = self.host().start(&Caller::root(), vmid, &Params::new()).unwrap();
        self.host().wait(&upid).await;
    }

    fn forget_token(&self, authid: &str) {
        self.host().write(|model| model.accounts.tokens.remove(authid));
    }

    fn add_token(&self, authid: &str, expire: i64) {
        let token = Token { secret: TOKEN_SECRET.to_owned(), privsep: false, expire, comment: None };
        self.host().write(|model| model.accounts.tokens.insert(authid.to_owned(), token));
    }

    fn enable_alice(&self, enable: bool) {
        self.host().write(|model| model.accounts.users.get_mut("alice@pve").unwrap().enable = enable);
    }

    fn grant(&self, steps: usize) {
        let privs = STEPS[..steps]
            .iter()
            .flat_map(|step| step.iter().map(|privilege| (*privilege).to_owned()))
            .collect();
        self.host().write(|model| {
            model.accounts.roles.insert("DashCreate".to_owned(), Role { privs, special: false })
        });
    }
}
