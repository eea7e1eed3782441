//! Bad input: beside its field, nothing typed is lost, and no secret comes back.

use berth_testkit::TestApp;
use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_SECRET};

use super::{assert_no_secret, filled, filled_by_key, log_in, text, texts};

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ me";
const ENCRYPTED: &str = include_str!("../../../proxmox/tests/keys/rsa-openssh-encrypted");

#[tokio::test]
async fn each_field_has_its_own_message_and_nothing_typed_is_lost() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let good = filled(&mut browser, &app.simulator.nodes[0]).await;
    app.simulator.forget_calls().await;
    let (long, line) = ("x".repeat(300), format!("root@pam!rig={TOKEN_SECRET}"));
    for (field, typed, says) in [
        ("name", "", "give the node a name"),
        ("name", "   ", "give the node a name"),
        ("name", &long, "at most 100"),
        ("host", "", "type the host's name or address"),
        ("host", "https://pve.lan:8006/", "type only pve.lan here, and 8006"),
        ("host", "[fe80::1]:8006", "type only fe80::1 here, and 8006"),
        ("host", "pve lan", "neither a host name nor an IP address"),
        ("host", "pvé.lan", "neither a host name nor an IP address"),
        ("host", &long, "neither a host name nor an IP address"),
        ("port", "0", "from 1 to 65535"),
        ("port", "70000", "from 1 to 65535"),
        ("port", "https", "from 1 to 65535"),
        ("token_id", "", "the token's own name is missing"),
        ("token_id", "root@pam", "the token's own name is missing"),
        ("token_id", "root!rig", "the realm is missing"),
        ("token_id", &line, "only root@pam!rig belongs here"),
        ("token_id", &long, "the token's own name is missing"),
        ("token_secret", "", "paste the token's secret"),
        ("token_secret", &line, "paste only what follows the last = sign"),
        ("token_secret", "hunter2", "a password is none"),
        ("ssh_host", "ssh://pve.lan", "type only pve.lan here"),
        ("ssh_port", "70000", "from 1 to 65535"),
        ("ssh_user", "root user", "not a user name"),
        ("ssh_user", &long, "not a user name"),
        ("ssh_password", "", "type the password for SSH"),
    ] {
        let form = good.clone().set(field, typed);
        let page = browser.submit(&form).await;
        assert_eq!(page.status, 422, "{field}={typed}");
        let message = text(&page.html, &format!("#f-{field}-error")).to_lowercase();
        assert!(message.contains(&says.to_lowercase()), "{field}={typed}: {message}");
        assert_eq!(texts(&page.html, ".field-error").len(), 1, "{field}={typed}");
        assert!(page.html.contains("Type them again before you go on"), "{field}={typed}");
        assert_no_secret(&page.html);
        let shown = page.form("/settings/nodes");
        for (name, value) in form.fields() {
            let expected = match name.as_str() {
                "token_secret" | "ssh_password" | "ssh_private_key" | "ssh_passphrase" => "",
                "token_id" if value.contains('=') => "root@pam!rig",
                _ => value,
            };
            assert_eq!(shown.value(name), Some(expected), "{name} after {field}={typed}");
        }
    }
    assert_eq!(app.simulator.connections().await, [], "nobody is asked before the fields are right");
}

#[tokio::test]
async fn a_key_that_cannot_be_used_says_why() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let good = filled_by_key(&mut browser, &app.simulator.nodes[0]).await;
    let cut = &ENCRYPTED[..ENCRYPTED.len() / 2];
    for (key, passphrase, field, says) in [
        ("", "", "ssh_private_key", "paste the private key"),
        ("", "correct horse", "ssh_private_key", "paste the private key"),
        (PUBLIC_KEY, "", "ssh_private_key", "this is a public key"),
        (ROOT_PASSWORD, "", "ssh_private_key", "not a complete private key"),
        (cut, "correct horse", "ssh_private_key", "not a complete private key"),
        (ENCRYPTED, "", "ssh_passphrase", "protected by a passphrase"),
        (ENCRYPTED, "wrong horse", "ssh_passphrase", "does not open this private key"),
    ] {
        let form = good.clone().set("ssh_private_key", key).set("ssh_passphrase", passphrase);
        let page = browser.submit(&form).await;
        assert_eq!(page.status, 422, "{says}");
        let message = text(&page.html, &format!("#f-{field}-error")).to_lowercase();
        assert!(message.contains(&says.to_lowercase()), "{says}: {message}");
        assert!(!page.html.contains("horse") && !page.html.contains(&ENCRYPTED[200..260]), "{says}");
    }
}
