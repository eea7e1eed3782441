//! Guessing passwords. Logins are limited per client address and per account, ten in five minutes each: whoever is over one of the two
//! limits waits. So a second account from an address that is over waits too, and so does an account that is over, from anywhere.

use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Process, TestApp};
use futures::future::join_all;

use crate::visitor::{Answer, Fields, Visitor, certificate, login};

const WRONG: &str = "wrong-password";

struct Guesser {
    visitor: Visitor,
    // Ended before what it works with.
    _web: Process,
    app: TestApp,
}

impl Guesser {
    /// Directly at Berth.
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Through a proxy that Berth trusts.
    async fn proxied() -> Self {
        Self::with(&[("BERTH_TRUSTED_PROXIES", "127.0.0.0/8".into())]).await
    }

    async fn with(variables: &[(&'static str, String)]) -> Self {
        let app = TestApp::start().await;
        let (web, base) = app.web_with(variables).await;
        Self { visitor: Visitor::new(&base), _web: web, app }
    }

    fn form(&self, user: &str, password: &str) -> Fields {
        login(self.app.simulator.api, user, password, certificate(&self.app.simulator))
    }

    async fn guess(&self, user: &str, forwarded: &str) -> Answer {
        let headers = [("x-forwarded-for", forwarded)];
        self.visitor
            .post("/login", &self.form(user, WRONG), &headers[..usize::from(!forwarded.is_empty())])
            .await
    }

    async fn right(&self, user: &str, forwarded: &str) -> Answer {
        let form = self.form(user, ROOT_PASSWORD);
        self.visitor.post("/login", &form, &[("x-forwarded-for", forwarded)]).await
    }
}

pub(crate) fn assert_waits(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 429, "{what}");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&seconds), "{what}: {seconds} s");
    assert!(answer.body.contains("Too many attempts") && answer.session().is_none(), "{what}");
}

#[tokio::test]
async fn from_the_eleventh_of_twenty_guesses_on_one_waits() {
    let guesser = Guesser::start().await;
    for number in 1..=20 {
        let answer = guesser.guess("root", "").await;
        if number <= 10 {
            assert_eq!(answer.status, 422, "guess {number}");
        } else {
            assert_waits(&answer, &format!("guess {number}"));
        }
    }
    assert_eq!(guesser.app.simulator.passwords_received().await, [WRONG; 10]);
    assert_waits(&guesser.right("root", "").await, "the right password, too");
    assert_waits(&guesser.guess("alice", "").await, "another account, by the limit of the address");
    assert_eq!(guesser.app.simulator.passwords_received().await.len(), 10, "no more was sent");
}

#[tokio::test]
async fn of_twenty_guesses_at_once_ten_are_heard() {
    let guesser = Guesser::start().await;
    let tries: Vec<_> = (0..20).map(|_| guesser.guess("root", "")).collect();
    let mut statuses: Vec<u16> = join_all(tries).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[422; 10], [429; 10]].concat());
    assert_eq!(guesser.app.simulator.passwords_received().await, [WRONG; 10]);
}

#[tokio::test]
async fn other_accounts_from_other_addresses_are_not_affected() {
    let guesser = Guesser::proxied().await;
    for _ in 0..12 {
        guesser.guess("alice", "203.0.113.1").await;
    }
    assert_waits(&guesser.guess("alice", "203.0.113.2").await, "the account from another address");
    assert_waits(&guesser.guess("bob", "203.0.113.1").await, "another account from the address");
    assert_eq!(guesser.guess("bob", "203.0.113.2").await.status, 422);
    assert_eq!(guesser.right("root", "203.0.113.2").await.status, 303);
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_cannot_say_where_they_come_from() {
    let guesser = Guesser::start().await;
    for number in 1..=15 {
        let (address, name) = (format!("198.51.100.{number}"), format!("user{number}"));
        let form = guesser.form(&name, WRONG);
        let headers = [
            ("x-forwarded-for", address.as_str()),
            ("x-real-ip", &address),
            ("forwarded", &format!("for={address}")),
            ("client-ip", &address),
            ("true-client-ip", &address),
            ("cf-connecting-ip", &address),
        ];
        let answer = guesser.visitor.post("/login", &form, &headers).await;
        assert_eq!(answer.status, if number <= 10 { 422 } else { 429 }, "guess {number}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_only_the_nearest_strange_hop_counts() {
    let guesser = Guesser::proxied().await;
    for number in 1..=15 {
        // What the client wrote itself stands on the left; then what the proxies saw.
        let hops = match number % 3 {
            0 => format!("198.51.100.{number}, 203.0.113.9"),
            1 => format!("nonsense, 198.51.100.{number}, 203.0.113.9, 127.0.0.2"),
            _ => format!("127.0.0.1, 198.51.100.{number},203.0.113.9 , 127.0.0.3"),
        };
        let answer = guesser.guess(&format!("user{number}"), &hops).await;
        assert_eq!(answer.status, if number <= 10 { 422 } else { 429 }, "guess {number} by {hops}");
    }
    let rows = [("x-forwarded-for", "198.51.100.77"), ("x-forwarded-for", "203.0.113.9")];
    let answer = guesser.visitor.post("/login", &guesser.form("somebody", WRONG), &rows).await;
    assert_waits(&answer, "a header in two rows");
}

#[tokio::test]
async fn no_spelling_of_an_account_is_another_account() {
    let guesser = Guesser::proxied().await;
    let spellings =
        ["alice", "ALICE", "Alice", " alice", "alice ", "\talice", "alice@pam", " alice@pam ", "Alice@pam"];
    for number in 0..=15_usize {
        let mut form = guesser.form(spellings[number % spellings.len()], WRONG);
        if number % 2 == 1 {
            // The host is the same with its port beside it or in its own field.
            form.retain(|(name, _)| !["host", "port"].contains(name));
            form.push(("host", guesser.app.simulator.api.to_string()));
        }
        let address = format!("203.0.113.{number}");
        let answer = guesser.visitor.post("/login", &form, &[("x-forwarded-for", &address)]).await;
        assert_eq!(answer.status, if number < 10 { 422 } else { 429 }, "guess {number} of {form:?}");
    }
}

#[tokio::test]
async fn when_the_window_has_passed_it_works_again() {
    let guesser = Guesser::start().await;
    let mut waits = String::new();
    for _ in 0..11 {
        waits = guesser.guess("root", "").await.header("retry-after").to_owned();
    }
    let client = redis::Client::open(guesser.app.redis.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("berth:throttle:login-*").query_async(&mut redis).await.unwrap();
    assert_eq!(keys.len(), 2, "one for the address, one for the account: {keys:?}");
    for key in &keys {
        let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut redis).await.unwrap();
        let told = waits.parse::<i64>().unwrap() * 1000;
        assert!(
            left > 0 && left <= told && told - left < 60_000,
            "{key} runs out in {left} ms, told was {told}"
        );
        // As at the end of the window.
        let () = redis::cmd("PEXPIRE").arg(key).arg(1).query_async(&mut redis).await.unwrap();
    }
    berth_testkit::wait_until(berth_testkit::DEADLINE, "the counters are gone", async || {
        let left: Vec<String> =
            redis::cmd("KEYS").arg("berth:throttle:login-*").query_async(&mut redis.clone()).await.unwrap();
        left.is_empty().then_some(())
    })
    .await;
    assert_eq!(guesser.right("root", "").await.status, 303);
}
