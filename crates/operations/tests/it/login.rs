//! Who may log people in, and what is said to whom before it is trusted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use berth_domain::{Fingerprint, HostPort};
use berth_operations::context::LoginHosts;
use berth_operations::login::{LoginForm, LoginOptions, LoginOutcome, Refusal, login, login_options, realms};
use berth_operations::{Context, Error, Settings};
use berth_store::{PgPool, login_hosts};

use crate::host::TlsHost;
use crate::support::{NOW, context};

/// Refusals that take no longer than they have to.
fn quick() -> Settings {
    Settings { login_refusal: Duration::ZERO, ..Settings::default() }
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn form(address: SocketAddr, trust: Option<Fingerprint>) -> LoginForm {
    LoginForm {
        host: address.ip().to_string(),
        port: address.port().to_string(),
        user: "root".into(),
        password: "PLANTED-password".into(),
        realm: "pam".into(),
        trust: trust.map(|trust| trust.to_string()).unwrap_or_default(),
    }
}

fn host(address: SocketAddr) -> HostPort {
    address.to_string().parse().unwrap()
}

async fn outcome(ctx: &Context, form: &LoginForm) -> LoginOutcome {
    login(ctx, CLIENT, form).await.unwrap()
}

fn is_plain_refusal(outcome: &LoginOutcome) -> bool {
    matches!(outcome, LoginOutcome::Refused(Refusal::Credentials))
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_host_that_is_not_allowed_is_never_connected_to(pg: PgPool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let only: HostPort = "pve.lan:8006".parse().unwrap();
    let settings = Settings { login_hosts: LoginHosts::List(vec![only.clone()]), ..quick() };
    let ctx = context(pg, settings).await;
    assert!(is_plain_refusal(&outcome(&ctx, &form(address, None)).await));
    assert_eq!(realms(&ctx, CLIENT, &host(address)).await.len(), 2);
    let error = listener.accept().expect_err("nobody may have connected");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(login_options(&ctx).await.unwrap(), LoginOptions::Choice(vec![only]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_claimed_host_shuts_the_others_out(pg: PgPool) {
    let ctx = context(pg, quick()).await;
    assert_eq!(login_options(&ctx).await.unwrap(), LoginOptions::Free);
    let claimed: HostPort = "pve.lan:8006".parse().unwrap();
    assert!(login_hosts::claim(&ctx.pg, &claimed, None, NOW).await.unwrap());
    assert_eq!(login_options(&ctx).await.unwrap(), LoginOptions::Choice(vec![claimed]));
    let other = TlsHost::start().await;
    assert!(is_plain_refusal(&outcome(&ctx, &form(other.address, Some(other.fingerprint))).await));
    assert_eq!(other.said(), 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_unknown_certificate_is_confirmed_before_a_word_is_said(pg: PgPool) {
    let ctx = context(pg, quick()).await;
    let host = TlsHost::start().await;
    for confirmed in [None, Some(Fingerprint::new([9; 32]))] {
        let LoginOutcome::ConfirmCertificate(shown) = outcome(&ctx, &form(host.address, confirmed)).await
        else {
            panic!("not asked to confirm with {confirmed:?}");
        };
        assert_eq!(shown.fingerprint, host.fingerprint);
    }
    assert_eq!(host.said(), 0);
    // This machine hangs up without an answer, which is one more way of not logging in; nothing is remembered of it.
    assert!(is_plain_refusal(&outcome(&ctx, &form(host.address, Some(host.fingerprint))).await));
    assert!(host.said() > 0);
    assert!(login_hosts::list(&ctx.pg).await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_changed_certificate_is_refused_with_both_and_the_remedy(pg: PgPool) {
    let ctx = context(pg, quick()).await;
    let machine = TlsHost::start().await;
    let before = Fingerprint::new([9; 32]);
    assert!(login_hosts::claim(&ctx.pg, &host(machine.address), Some(before), NOW).await.unwrap());
    let LoginOutcome::Refused(refusal) =
        outcome(&ctx, &form(machine.address, Some(machine.fingerprint))).await
    else {
        panic!("not refused");
    };
    let text = refusal.to_string();
    for part in [before.to_string(), machine.fingerprint.to_string(), refusal.remedy().unwrap()] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
    assert_eq!(machine.said(), 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_unreachable_host_is_no_oracle(pg: PgPool) {
    let ctx = context(pg, Settings { login_hosts: LoginHosts::Any, ..quick() }).await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(is_plain_refusal(&outcome(&ctx, &form(free, None)).await));
}

#[sqlx::test(migrations = "../../migrations")]
async fn attempts_are_limited_per_account_and_per_address(pg: PgPool) {
    let ctx = context(pg, Settings { login_attempts: 2, ..quick() }).await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    let root = form(free, None);
    let alice = LoginForm { user: "alice".into(), ..root.clone() };
    for _ in 0..2 {
        assert!(login(&ctx, CLIENT, &root).await.is_ok());
    }
    let shouted = LoginForm { user: "ROOT".into(), ..root.clone() };
    let third = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 3));
    for (client, form) in [(CLIENT, &alice), (elsewhere, &root), (third, &shouted)] {
        let error = login(&ctx, client, form).await.unwrap_err();
        assert!(matches!(error, Error::Throttled { retry_after: 1..=300 }), "{error:?}");
    }
    assert!(login(&ctx, elsewhere, &alice).await.is_ok());
}

/// A host that is refused without a word, one that hangs up, and one that nobody listens for: none is told by its speed.
#[sqlx::test(migrations = "../../migrations")]
async fn every_refusal_takes_as_long_as_it_has_to(pg: PgPool) {
    let machine = TlsHost::start().await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listed = vec![host(machine.address), host(free)];
    let least = Duration::from_millis(700);
    let settings =
        Settings { login_hosts: LoginHosts::List(listed), login_refusal: least, ..Settings::default() };
    let ctx = context(pg, settings).await;
    let refused: SocketAddr = "127.0.0.1:1".parse().unwrap();
    for form in [form(refused, None), form(machine.address, Some(machine.fingerprint)), form(free, None)] {
        let began = Instant::now();
        assert!(is_plain_refusal(&outcome(&ctx, &form).await));
        assert!(began.elapsed() >= least, "{}: {:?}", form.port, began.elapsed());
    }
    // What is no refusal waits for nothing.
    let began = Instant::now();
    assert!(matches!(outcome(&ctx, &form(machine.address, None)).await, LoginOutcome::ConfirmCertificate(_)));
    assert!(began.elapsed() < least, "{:?}", began.elapsed());
}

/// Names of realms are read before its certificate is trusted: nothing secret is sent for them.
#[sqlx::test(migrations = "../../migrations")]
async fn a_changed_certificate_is_not_even_asked_for_realms(pg: PgPool) {
    let ctx = context(pg, quick()).await;
    let machine = TlsHost::start().await;
    assert_eq!(realms(&ctx, CLIENT, &host(machine.address)).await.len(), 2, "it hangs up");
    let said = machine.said();
    assert!(said > 0);
    let before = Fingerprint::new([9; 32]);
    assert!(login_hosts::claim(&ctx.pg, &host(machine.address), Some(before), NOW).await.unwrap());
    assert_eq!(realms(&ctx, CLIENT, &host(machine.address)).await.len(), 2);
    assert_eq!(machine.said(), said);
}
