//! Requests one after the other on some connections that are kept open.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Client;

/// Requests before anything is counted: connections, caches and the branch predictor are warm then.
const WARM_UP: usize = 200;
/// How long each connection asks.
const TIME: Duration = Duration::from_secs(5);

/// What is asked, over and over.
pub(crate) struct Target {
    pub(crate) base: String,
    pub(crate) cookie: String,
    /// Asked in turn.
    pub(crate) paths: Vec<String>,
}

/// How long answers took, from sending the request to having read all of the answer, in ascending order.
pub(crate) struct Times {
    sorted: Vec<Duration>,
    took: Duration,
}

impl Times {
    /// Such as 0.99: so large a part of all answers took at most this.
    pub(crate) fn percentile(&self, part: f64) -> Duration {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let index = (self.sorted.len() as f64 * part).ceil() as usize;
        self.sorted[index.saturating_sub(1).min(self.sorted.len() - 1)]
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Requests in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.sorted.len() as f64 / self.took.as_secs_f64()
    }
}

pub(crate) async fn measure(target: &Target, connections: usize) -> Times {
    let clients: Vec<Client> = (0..connections).map(|_| berth_testkit::browser::http()).collect();
    join_all(clients.iter().map(|client| warm_up(client, target))).await;
    let begin = Instant::now();
    let each = clients.iter().enumerate().map(|(number, client)| ask(client, target, number, begin));
    let mut sorted = join_all(each).await.concat();
    let took = begin.elapsed();
    sorted.sort_unstable();
    Times { sorted, took }
}

async fn warm_up(client: &Client, target: &Target) {
    for round in 0..WARM_UP {
        once(client, target, round).await;
    }
}

async fn ask(client: &Client, target: &Target, number: usize, begin: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    // Connections ask for different things at the same time.
    let mut round = number * 997;
    while begin.elapsed() < TIME {
        times.push(once(client, target, round).await);
        round += 1;
    }
    times
}

async fn once(client: &Client, target: &Target, round: usize) -> Duration {
    let path = &target.paths[round % target.paths.len()];
    let request = client.get(format!("{}{path}", target.base)).header("cookie", &target.cookie);
    let request = request.header("hx-request", "true").build().unwrap();
    let begin = Instant::now();
    let answer = client.execute(request).await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    let took = begin.elapsed();
    assert!(status.is_success() && !body.is_empty(), "{path}: {status}");
    took
}
