use berth_domain::{Fingerprint, HostPort};
use berth_store::PgPool;
use berth_store::login_hosts::{self, Source, Trust};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use time::Duration;

use crate::support::{NOW, wide};

fn host(number: usize) -> HostPort {
    format!("pve{number}.lan:8006").parse().unwrap()
}

const PIN: Fingerprint = Fingerprint::new([1; 32]);
const OTHER: Fingerprint = Fingerprint::new([2; 32]);

async fn trust(pg: &PgPool, host: &HostPort) -> Trust {
    login_hosts::find(pg, host).await.unwrap().unwrap().trust
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_twenty_hosts_at_once_one_gets_the_claim(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 20).await;
    let claims = (0..20).map(|number| {
        let pg = pg.clone();
        async move { login_hosts::claim(&pg, &host(number), Some(PIN), NOW).await.unwrap() }
    });
    let won = futures::future::join_all(claims).await.into_iter().filter(|won| *won).count();
    let stored = login_hosts::list(&pg).await.unwrap();
    assert_eq!((won, stored.len()), (1, 1));
    assert_eq!((stored[0].source, stored[0].trust), (Source::Claimed, Trust::Pinned(PIN)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_first_logins_through_one_host_both_hold_the_claim(pg: PgPool) {
    assert!(login_hosts::claim(&pg, &host(1), Some(PIN), NOW).await.unwrap());
    assert!(login_hosts::claim(&pg, &host(1), Some(PIN), NOW).await.unwrap());
    assert!(!login_hosts::claim(&pg, &host(1), Some(OTHER), NOW).await.unwrap(), "another certificate");
    assert_eq!(trust(&pg, &host(1)).await, Trust::Pinned(PIN));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_remembered_can_be_claimed_or_added_with_its_certificate(pg: PgPool) {
    for number in [1, 2, 3] {
        assert!(login_hosts::remember(&pg, &host(number), Some(PIN), NOW).await.unwrap());
    }
    assert!(!login_hosts::claim(&pg, &host(1), Some(OTHER), NOW).await.unwrap(), "another certificate");
    assert!(login_hosts::claim(&pg, &host(1), Some(PIN), NOW + Duration::HOUR).await.unwrap());
    let claimed = login_hosts::find(&pg, &host(1)).await.unwrap().unwrap();
    assert_eq!((claimed.source, claimed.created_at), (Source::Claimed, NOW + Duration::HOUR));
    assert!(!login_hosts::claim(&pg, &host(2), Some(PIN), NOW).await.unwrap(), "there is one claim");
    assert_eq!(login_hosts::find(&pg, &host(2)).await.unwrap().unwrap().source, Source::Remembered);
    assert!(login_hosts::add(&pg, &host(3), NOW).await.unwrap());
    assert!(!login_hosts::claim(&pg, &host(3), Some(PIN), NOW).await.unwrap(), "an administrator added it");
    let added = login_hosts::find(&pg, &host(3)).await.unwrap().unwrap();
    assert_eq!((added.source, added.trust), (Source::Added, Trust::Pinned(PIN)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_added_host_is_unverified_until_a_login_succeeds(pg: PgPool) {
    assert!(login_hosts::add(&pg, &host(1), NOW).await.unwrap());
    assert!(!login_hosts::add(&pg, &host(1), NOW).await.unwrap());
    assert_eq!(trust(&pg, &host(1)).await, Trust::Unverified);
    assert!(login_hosts::remember(&pg, &host(1), Some(PIN), NOW).await.unwrap());
    assert_eq!(trust(&pg, &host(1)).await, Trust::Pinned(PIN));
    assert_eq!(login_hosts::find(&pg, &host(1)).await.unwrap().unwrap().source, Source::Added);
    assert!(!login_hosts::remember(&pg, &host(1), Some(OTHER), NOW).await.unwrap(), "changed");
    assert!(!login_hosts::remember(&pg, &host(1), None, NOW).await.unwrap(), "changed");
    assert_eq!(trust(&pg, &host(1)).await, Trust::Pinned(PIN));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_host_of_the_public_roots_is_remembered_as_such(pg: PgPool) {
    assert!(login_hosts::remember(&pg, &host(1), None, NOW).await.unwrap());
    assert_eq!(trust(&pg, &host(1)).await, Trust::PublicRoots);
    assert!(!login_hosts::remember(&pg, &host(1), Some(PIN), NOW).await.unwrap());
    assert!(login_hosts::set_fingerprint(&pg, &host(1), Some(PIN), NOW).await.unwrap());
    assert!(login_hosts::remember(&pg, &host(1), Some(PIN), NOW).await.unwrap());
    assert!(!login_hosts::set_fingerprint(&pg, &host(2), Some(PIN), NOW).await.unwrap());
    assert!(login_hosts::remove(&pg, &host(1)).await.unwrap());
    assert!(!login_hosts::remove(&pg, &host(1)).await.unwrap());
    assert!(login_hosts::list(&pg).await.unwrap().is_empty());
}
