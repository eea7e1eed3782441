use berth_domain::node::SshAccess;
use berth_domain::{Fingerprint, NodeId};
use berth_store::nodes::Credentials;
use time::macros::datetime;

use super::super::input::{KnownCertificate, Member};
use super::*;
use crate::Error;

const SECRET: &str = "01234567-89ab-cdef-0123-456789abcdef";
const STORED: &str = "99999999-89ab-cdef-0123-456789abcdef";
const HOST_KEY: &str = "ssh-ed25519 SHA256:dE1GZTZ1bkZNNXhLd1BxSDBWS1FRcWlQYjJrbnRCd0I";

fn typed() -> NodeForm {
    NodeForm {
        name: "attic".into(),
        host: "pve.lan".into(),
        token_id: "berth@pve!berth".into(),
        token_secret: format!(" {SECRET}\n").into(),
        ssh_auth: "password".into(),
        ssh_password: "secret".into(),
        ..NodeForm::default()
    }
}

fn messages(form: &NodeForm, basis: &Basis) -> Vec<(String, String)> {
    match form.checked(basis) {
        Err(Error::Invalid(errors)) => {
            errors.iter().map(|(field, messages)| (field.to_owned(), messages.join("; "))).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn fields(form: &NodeForm) -> Vec<String> {
    messages(form, &Basis::New).into_iter().map(|(field, _)| field).collect()
}

fn credentials(certificate: Option<Fingerprint>, method: SshMethod) -> Box<Credentials> {
    let node = Node {
        id: NodeId::new(),
        name: "attic".into(),
        address: "pve.lan:8006".parse().unwrap(),
        certificate,
        token_id: "berth@pve!berth".parse().unwrap(),
        pve_node_name: "pve".into(),
        cluster: "host:pve".into(),
        pve_version: "9.2.11".into(),
        ssh: Some(SshAccess {
            host: "pve.lan".parse().unwrap(),
            port: 22,
            user: "root".into(),
            method,
            host_key: HOST_KEY.into(),
        }),
        is_default: true,
        created_at: datetime!(2030-01-02 03:04:05 UTC),
    };
    let ssh_secret = SshSecret { secret: "stored".into(), passphrase: Some("stored too".into()) };
    Box::new(Credentials { node, token_secret: STORED.into(), ssh_secret: Some(ssh_secret) })
}

fn pinned() -> Fingerprint {
    Fingerprint::new([3; 32])
}

#[test]
fn what_is_left_out_has_its_default() {
    let input = typed().checked(&Basis::New).unwrap();
    assert_eq!(input.address.to_string(), "pve.lan:8006");
    assert_eq!(input.token_secret.expose_secret(), SECRET);
    let ssh = input.ssh.unwrap();
    assert_eq!((ssh.address.to_string().as_str(), ssh.user.as_str()), ("pve.lan:22", "root"));
}

#[test]
fn each_wrong_field_has_its_message() {
    assert_eq!(fields(&NodeForm::default()), ["host", "name", "token_id", "token_secret"]);
    let wrong = NodeForm {
        ssh_host: "https://x/".into(),
        ssh_user: "a b".into(),
        ssh_password: Secret::default(),
        ..typed()
    };
    assert_eq!(fields(&wrong), ["ssh_host", "ssh_password", "ssh_user"]);
    assert_eq!(fields(&NodeForm { ssh_port: "x".into(), ..typed() }), ["ssh_port"]);
    assert_eq!(fields(&NodeForm { ssh_auth: "kerberos".into(), ..typed() }), ["ssh_auth"]);
    assert_eq!(fields(&NodeForm { ssh_password: "x".repeat(1025).into(), ..typed() }), ["ssh_password"]);
}

#[test]
fn what_was_pasted_is_recognised() {
    let host = |text: &str| NodeForm { host: text.into(), ..typed() };
    let token_id = |text: &str| NodeForm { token_id: text.into(), ..typed() };
    let secret = |text: &str| NodeForm { token_secret: text.into(), ..typed() };
    let whole = format!("berth@pve!berth={SECRET}");
    for (form, field, says) in [
        (host("https://pve.lan:8006/"), "host", "type only pve.lan here, and 8006 in the field of the port"),
        (host("https://pve.lan/#v1"), "host", "type only pve.lan here"),
        (host("[2001:db8::1]:8006"), "host", "type only 2001:db8::1 here, and 8006 in the field"),
        (host("https://[2001:db8::1]"), "host", "type only 2001:db8::1 here"),
        (host("https://"), "host", "without http://"),
        (host(&"a".repeat(254)), "host", "neither a host name nor an IP address"),
        (host("päve"), "host", "neither a host name nor an IP address"),
        (token_id("berth@pve"), "token_id", "the token's own name is missing"),
        (token_id(&whole), "token_id", "only berth@pve!berth belongs here"),
        (
            token_id(&format!("Authorization: PVEAPIToken={whole}")),
            "token_id",
            "only berth@pve!berth belongs here",
        ),
        (token_id(SECRET), "token_id", "this is a token's secret"),
        (token_id(&format!("{}@pve!berth", "a".repeat(160))), "token_id", "this is no token id"),
        (secret(&whole), "token_secret", "paste only what follows the last = sign"),
        (secret("FAKE-Passw0rd"), "token_secret", "a password is none"),
        (NodeForm { name: "a\tb".into(), ..typed() }, "name", "one line"),
        (NodeForm { name: "ä".repeat(101), ..typed() }, "name", "at most 100"),
        (NodeForm { port: "0".into(), ..typed() }, "port", "from 1 to 65535"),
        (NodeForm { port: "70000".into(), ..typed() }, "port", "from 1 to 65535"),
    ] {
        let found = messages(&form, &Basis::New);
        assert!(found.len() == 1 && found[0].0 == field && found[0].1.contains(says), "{says}: {found:?}");
        assert!(!form.shown_token_id().contains(SECRET), "{says}");
    }
    assert!(
        NodeForm { name: "Dachboden ä".into(), host: " [2001:DB8::1] ".into(), ..typed() }
            .checked(&Basis::New)
            .is_ok()
    );
}

#[test]
fn a_private_key_is_read_before_any_host_is_asked() {
    let key = |pem: &str| NodeForm { ssh_auth: "private_key".into(), ssh_private_key: pem.into(), ..typed() };
    assert_eq!(fields(&key("")), ["ssh_private_key"]);
    assert_eq!(fields(&key("ssh-ed25519 AAAA")), ["ssh_private_key"]);
}

#[test]
fn no_ssh_is_a_choice_of_its_own() {
    assert!(NodeForm { ssh_auth: "none".into(), ..typed() }.checked(&Basis::New).unwrap().ssh.is_none());
}

#[test]
fn empty_secrets_are_the_stored_ones_of_the_same_host() {
    let basis = Basis::Stored(credentials(Some(pinned()), SshMethod::Key));
    let Basis::Stored(stored) = &basis else { unreachable!() };
    let form = NodeForm::of(&stored.node);
    let input = form.checked(&basis).unwrap();
    assert_eq!(input.token_secret.expose_secret(), STORED);
    assert_eq!(input.known, KnownCertificate::Here(Some(pinned())));
    let ssh = input.ssh.unwrap();
    assert_eq!(ssh.secret.secret.expose_secret(), "stored");
    assert_eq!(ssh.secret.passphrase.unwrap().expose_secret(), "stored too");
    assert_eq!(ssh.known, KnownHostKey::Here(HOST_KEY.parse().unwrap()));

    // Another address has to prove that it is the same host.
    let moved = NodeForm { host: "10.0.0.1".into(), ..form.clone() }.checked(&basis).unwrap();
    assert_eq!(moved.known, KnownCertificate::Elsewhere(Fingerprint::new([3; 32])));
    assert_eq!(moved.ssh.unwrap().known, KnownHostKey::Elsewhere(HOST_KEY.parse().unwrap()));
    let other_port = NodeForm { port: "8007".into(), ..form }.checked(&basis).unwrap();
    assert_eq!(other_port.known, KnownCertificate::Elsewhere(Fingerprint::new([3; 32])));
}

#[test]
fn a_stored_secret_is_for_nothing_else() {
    let by_key = Basis::Stored(credentials(Some(pinned()), SshMethod::Key));
    let public = Basis::Stored(credentials(None, SshMethod::Key));
    let Basis::Stored(stored) = &by_key else { unreachable!() };
    let form = NodeForm::of(&stored.node);
    for (changed, basis, field, says) in [
        (
            NodeForm { token_id: "berth@pve!other".into(), ..form.clone() },
            &by_key,
            "token_secret",
            "berth@pve!berth",
        ),
        (NodeForm { host: "10.0.0.1".into(), ..form.clone() }, &public, "token_secret", "pve.lan:8006"),
        (
            NodeForm { ssh_auth: "password".into(), ..form.clone() },
            &by_key,
            "ssh_password",
            "type the password",
        ),
        (
            NodeForm { ssh_passphrase: "another".into(), ..form.clone() },
            &by_key,
            "ssh_private_key",
            "paste the private key too",
        ),
    ] {
        let found = messages(&changed, basis);
        assert!(found.len() == 1 && found[0].0 == field && found[0].1.contains(says), "{says}: {found:?}");
    }
}

#[test]
fn a_member_shares_the_secrets_only_at_its_own_address() {
    let member = Member {
        name: "pve2".into(),
        host: "10.0.0.2".parse().unwrap(),
        certificate: Fingerprint::new([4; 32]),
    };
    let basis = Basis::Member(credentials(Some(pinned()), SshMethod::Password), member);
    let form = NodeForm {
        token_secret: Secret::default(),
        ssh_password: Secret::default(),
        host: "10.0.0.2".into(),
        ..typed()
    };
    let input = form.checked(&basis).unwrap();
    assert!(matches!(input.known, KnownCertificate::Vouched { .. }), "{:?}", input.known);
    let ssh = input.ssh.unwrap();
    assert_eq!((ssh.secret.secret.expose_secret(), ssh.known), ("stored", KnownHostKey::Nothing));
    let found = messages(&NodeForm { ssh_host: "10.0.0.3".into(), ..form.clone() }, &basis);
    assert_eq!(found.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["ssh_password"]);
    let found = messages(&NodeForm { port: "8007".into(), ..form }, &basis);
    assert_eq!(found.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["token_secret"]);
}
