//! Requests on some connections that are kept open: as many as come through, or so many in a second.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use reqwest::Client;
use tokio::time::{MissedTickBehavior, interval};

/// Requests before anything is counted: connections, caches and the branch predictor are warm then.
const WARM_UP: usize = 200;
/// How long each connection asks.
const TIME: Duration = Duration::from_secs(5);

/// What is asked, over and over.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) base: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Asked in turn.
    pub(crate) paths: Vec<String>,
}

impl Target {
    /// The same with one more header.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name, value.into()));
        Self { headers, ..self.clone() }
    }
}

/// How long answers took, from sending the request to having read all of the answer, in ascending order.
pub(crate) struct Times {
    sorted: Vec<Duration>,
    took: Duration,
    /// Bytes of an answer, on average, as they came.
    pub(crate) bytes: usize,
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

/// An answer: how long it took and how long it is.
type Answer = (Duration, usize);

fn times(answers: Vec<Answer>, took: Duration) -> Times {
    let bytes = answers.iter().map(|(_, bytes)| bytes).sum::<usize>() / answers.len();
    let mut sorted: Vec<Duration> = answers.into_iter().map(|(time, _)| time).collect();
    sorted.sort_unstable();
    Times { sorted, took, bytes }
}

/// One request after the other on each connection.
pub(crate) async fn measure(target: &Target, connections: usize) -> Times {
    let clients: Vec<Client> = (0..connections).map(|_| berth_testkit::browser::http()).collect();
    join_all(clients.iter().map(|client| warm_up(client, target))).await;
    let begin = Instant::now();
    let each = clients.iter().enumerate().map(|(number, client)| ask(client, target, number, begin));
    let answers = join_all(each).await.concat();
    times(answers, begin.elapsed())
}

/// So many requests in a second for some time, each at its moment, whatever became of those before.
pub(crate) async fn paced(target: &Target, per_second: u32, time: Duration) -> Times {
    let client = berth_testkit::browser::http();
    warm_up(&client, target).await;
    let mut moments = interval(Duration::from_secs(1) / per_second);
    moments.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begin = Instant::now();
    let mut asked = Vec::new();
    while begin.elapsed() < time {
        moments.tick().await;
        let (client, target, round) = (client.clone(), target.clone(), asked.len());
        asked.push(tokio::spawn(async move {
            let (took, body) = once(&client, &target, round).await;
            (took, body.len())
        }));
    }
    let answers = join_all(asked).await.into_iter().map(Result::unwrap).collect();
    times(answers, begin.elapsed())
}

async fn warm_up(client: &Client, target: &Target) {
    for round in 0..WARM_UP {
        once(client, target, round).await;
    }
}

async fn ask(client: &Client, target: &Target, number: usize, begin: Instant) -> Vec<Answer> {
    let mut answers = Vec::new();
    // Connections ask for different things at the same time.
    let mut round = number * 997;
    while begin.elapsed() < TIME {
        let (took, body) = once(client, target, round).await;
        answers.push((took, body.len()));
        round += 1;
    }
    answers
}

/// One answer: how long it took, and its text.
pub(crate) async fn once(client: &Client, target: &Target, round: usize) -> (Duration, Bytes) {
    let path = &target.paths[round % target.paths.len()];
    let mut request = client.get(format!("{}{path}", target.base));
    for (name, value) in &target.headers {
        request = request.header(*name, value);
    }
    let request = request.build().unwrap();
    let begin = Instant::now();
    let answer = client.execute(request).await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    let took = begin.elapsed();
    assert!(status.is_success() && !body.is_empty(), "{path}: {status}");
    (took, body)
}
