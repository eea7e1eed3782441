use std::net::{IpAddr, Ipv4Addr};
use berth_operations::{Settings, login::*, nodes::*, vmids, node_options, containers, drafts, creation::*};
use berth_store::PgPool;
use crate::support::*;
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
#[sqlx::test(migrations = "../../migrations")]
async fn adhoc(pg: PgPool) {
    let ctx = context(pg, Settings{login_attempts: 100, ..Settings::default()}).await;
    let api = std::env::var("SIM_API").unwrap();
    let mut form = LoginForm { host: api.clone(), port: "".into(), user: "root".into(), password: "FAKE-Passw0rd".into(), realm: "pam".into(), trust: "".into() };
    let o = login(&ctx, CLIENT, &form).await.unwrap();
    let LoginOutcome::ConfirmCertificate(info) = o else { panic!("{o:?}") };
    println!("{info:?}");
    form.trust = info.fingerprint.to_string();
    let bad = LoginForm { password: "wrong".into(), ..form.clone() };
    println!("bad: {:?}", login(&ctx, CLIENT, &bad).await);
    let tfa = LoginForm { user: "alice".into(), realm: "pve".into(), ..form.clone() };
    println!("tfa: {:?}", login(&ctx, CLIENT, &tfa).await);
    let o = login(&ctx, CLIENT, &form).await.unwrap();
    let LoginOutcome::LoggedIn(user) = o else { panic!("{o:?}") };
    println!("{user:?} {:?}", login_options(&ctx).await);
    form.trust.clear();
    println!("again: {:?}", login(&ctx, CLIENT, &form).await);
    println!("realms: {:?}", realms(&ctx, CLIENT, &api.parse().unwrap()).await);
    let (h, p) = api.split_once(':').unwrap();
    let mut n = NodeForm { name: "sim".into(), host: h.into(), port: p.into(), token_id: "root@pam!sep3".into(), token_secret: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".into(), ssh_auth: "none".into(), ..NodeForm::default() };
    for row in test(&n).await.unwrap().rows { println!("{row:?}"); }
    n.trusted_certificate = info.fingerprint.to_string();
    for row in test(&n).await.unwrap().rows { println!("{row:?}"); }
    n.token_id = "root@pam!dash".into();
    let t = std::time::Instant::now();
    let c = connect(&ctx, user.id, &n).await.unwrap();
    println!("{c:?} {:?}", t.elapsed());
    let Connected::Saved(node) = c else { panic!() };
    println!("{:?}", connect(&ctx, user.id, &n).await.map(|_| ()));
    println!("{:?}", list(&ctx, user.id).await.unwrap());
    for t in ["101", "104", "105", "x"] { println!("{t} {:?}", vmids::check(&ctx, user.id, node.id, t).await); }
    println!("{:?}", vmids::next_free(&ctx, user.id, node.id).await);
    println!("{:#?}", node_options::options(&ctx, user.id, node.id).await.unwrap());
    println!("{:?}", containers::list(&ctx, user.id).await);
    let d = drafts::start(&ctx, user.id, CreationForm { hostname: "x".into(), vmid: "101".into(), os_template: "local:vztmpl/no.tar.zst".into(), storage: "usb".into(), bridge: "vmbr9".into(), ..CreationForm::default() }).await.unwrap();
    println!("{:?}", submit(&ctx, user.id, d.id).await);
    let new = berth_store::nodes::NewNode { details: berth_store::nodes::NodeDetails { name: "sim2".into(), address: node.address.clone(), certificate: node.certificate, token_id: node.token_id.clone(), pve_node_name: node.pve_node_name.clone(), cluster: node.cluster.clone(), pve_version: node.pve_version.clone(), ssh: Some(berth_domain::node::SshAccess { host: "127.0.0.1".parse().unwrap(), port: 22, user: "root".into(), method: berth_domain::node::SshMethod::Password, host_key: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".into() }) }, token_secret: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".into(), ssh_secret: Some(berth_store::nodes::SshSecret { secret: "x".into(), passphrase: None }) };
    let n2 = { let mut conn = ctx.pg.acquire().await.unwrap(); berth_store::nodes::insert(&mut conn, user.id, &new, &ctx.keyring, NOW).await.unwrap() };
    let mut f = CreationForm { node: n2.id.to_string(), ..d.form.clone() };
    drafts::save(&ctx, user.id, d.id, &f).await.unwrap();
    println!("{:?}", submit(&ctx, user.id, d.id).await);
    f = CreationForm { vmid: "105".into(), os_template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(), storage: "local-ct".into(), bridge: "vmbr0".into(), ..f };
    drafts::save(&ctx, user.id, d.id, &f).await.unwrap();
    let d2 = drafts::start(&ctx, user.id, f.clone()).await.unwrap();
    let (a, b, c) = tokio::join!(submit(&ctx, user.id, d.id), submit(&ctx, user.id, d.id), submit(&ctx, user.id, d2.id));
    println!("race: {a:?} {b:?} {c:?}");
    println!("{:?}", submit(&ctx, user.id, d.id).await);
    println!("{:?}", vmids::check(&ctx, user.id, node.id, "105").await);
    println!("{:?}", delete(&ctx, user.id, n2.id, true).await);
    println!("{:?}", creations(&ctx, user.id).await);
    panic!("show");
}
