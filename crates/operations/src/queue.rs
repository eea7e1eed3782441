//! The queue of creations in Redis. It delivers ids and remembers nothing: the row in PostgreSQL is the truth.

use std::time::Duration;

use apalis::prelude::{Codec, TaskSink};
use apalis_redis::{Config, RedisStorage};
use berth_domain::CreationId;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::{Deserialize, Serialize};

/// What the queue carries: an id, no secret and no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationJob {
    /// The creation to go on with.
    pub creation_id: CreationId,
}

/// A queue backed by Redis.
pub type Storage = RedisStorage<CreationJob>;

/// Reads every payload of the queue. One that is no job would otherwise end a worker's loop, and then that of the next worker, to which it
/// is delivered again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Payload;

impl Codec<CreationJob> for Payload {
    type Error = serde_json::Error;
    type Compact = Vec<u8>;

    fn encode(&self, job: &CreationJob) -> Result<Vec<u8>, Self::Error> {
        serde_json::to_vec(job)
    }

    /// What is no job becomes one about a creation that there is not, which is soon done.
    fn decode(&self, payload: &Vec<u8>) -> Result<CreationJob, Self::Error> {
        Ok(serde_json::from_slice(payload).unwrap_or_else(|error| {
            tracing::error!(%error, "the queue holds something that is no job; it is passed over");
            CreationJob { creation_id: CreationId::new() }
        }))
    }
}

/// Name of the queue; Redis keys begin with it.
const QUEUE: &str = "berth:creations";
/// A dead worker's jobs are delivered again after three of these. The lease in PostgreSQL decides in any case.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Why the queue could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the job queue in Redis does not answer: check that Redis runs and is reachable ({0})")]
pub struct QueueError(String);

/// Puts creations in the queue.
#[derive(Clone, Debug)]
pub struct Queue(Storage);

/// Connects to the queue at `url` (`redis://…`, or `redis+unix:///path` for a socket).
///
/// The connection comes back by itself after a restart of Redis; a stall of a few seconds does not end it.
pub async fn connect(url: &str) -> Result<Storage, QueueError> {
    let client = redis::Client::open(url).map_err(|error| QueueError(error.to_string()))?;
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(Duration::from_secs(10)))
        .set_connection_timeout(Some(Duration::from_secs(5)));
    let connection = ConnectionManager::new_with_config(client, config)
        .await
        .map_err(|error| QueueError(error.to_string()))?;
    // A batch of one: a worker with buffered jobs stops its heartbeat and has them stolen.
    let config = Config::default()
        .queue(QUEUE)
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(3)
        .persist_results(false)
        .emit_events(false);
    Ok(RedisStorage::new(connection).with_config(config))
}

impl Queue {
    /// A queue over a connected storage.
    pub const fn new(storage: Storage) -> Self {
        Self(storage)
    }

    /// Asks a worker to go on with a creation. Asking twice does no harm: whoever has the lease does the work.
    pub async fn enqueue(&self, creation_id: CreationId) -> Result<(), QueueError> {
        self.0.clone().push(CreationJob { creation_id }).await.map_err(|error| QueueError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_and_nothing_is_an_error() {
        let job = CreationJob { creation_id: CreationId::new() };
        let payload = Payload.encode(&job).unwrap();
        assert_eq!(Payload.decode(&payload).unwrap(), job);
        for payload in [b"".as_slice(), b"\xff", b"null", br#"{"creation_id":"7"}"#] {
            assert!(Payload.decode(&payload.to_vec()).is_ok());
        }
    }
}
