//! The queues of creations and of actions in Redis. They deliver ids and remember nothing: the rows in PostgreSQL are the truth.

use std::time::Duration;

use apalis::prelude::{Codec, TaskSink};
use apalis_redis::{Config, RedisStorage};
use berth_domain::{ActionId, CreationId};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a queue carries: an id, no secret and no configuration.
pub trait Job: Serialize + DeserializeOwned {
    /// A job about something that there is not, which is soon done.
    fn about_nothing() -> Self;
}

/// What the queue of creations carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationJob {
    /// The creation to go on with.
    pub creation_id: CreationId,
}

/// What the queue of actions carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionJob {
    /// The action to go on with.
    pub action_id: ActionId,
}

impl Job for CreationJob {
    fn about_nothing() -> Self {
        Self { creation_id: CreationId::new() }
    }
}

impl Job for ActionJob {
    fn about_nothing() -> Self {
        Self { action_id: ActionId::new() }
    }
}

/// The queues, backed by Redis: one of their own for actions, so that a long creation never delays a stop.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Creations.
    pub creations: RedisStorage<CreationJob>,
    /// Actions.
    pub actions: RedisStorage<ActionJob>,
}

/// Reads every payload of a queue. One that is no job would otherwise end a worker's loop, and then that of the next worker, to which it
/// is delivered again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Payload;

impl<J: Job> Codec<J> for Payload {
    type Error = serde_json::Error;
    type Compact = Vec<u8>;

    fn encode(&self, job: &J) -> Result<Vec<u8>, Self::Error> {
        serde_json::to_vec(job)
    }

    fn decode(&self, payload: &Vec<u8>) -> Result<J, Self::Error> {
        Ok(serde_json::from_slice(payload).unwrap_or_else(|error| {
            tracing::error!(%error, "the queue holds something that is no job; it is passed over");
            J::about_nothing()
        }))
    }
}

/// Names of the queues; Redis keys begin with them.
const CREATIONS: &str = "berth:creations";
const ACTIONS: &str = "berth:actions";
/// A dead worker's jobs are delivered again after three of these. The lease in PostgreSQL decides in any case.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Why the queue could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the job queue in Redis does not answer: check that Redis runs and is reachable ({0})")]
pub struct QueueError(String);

/// Puts creations and actions in their queues.
#[derive(Clone, Debug)]
pub struct Queue(Storage);

/// Connects to the queues at `url` (`redis://…`, or `redis+unix:///path` for a socket).
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
    Ok(Storage {
        creations: RedisStorage::new(connection.clone()).with_config(settings(CREATIONS)),
        actions: RedisStorage::new(connection).with_config(settings(ACTIONS)),
    })
}

fn settings(queue: &str) -> Config {
    // A batch of one: a worker with buffered jobs stops its heartbeat and has them stolen.
    Config::default()
        .queue(queue)
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(3)
        .persist_results(false)
        .emit_events(false)
}

impl Queue {
    /// A queue over a connected storage.
    pub const fn new(storage: Storage) -> Self {
        Self(storage)
    }

    /// Asks a worker to go on with a creation. Asking twice does no harm: whoever has the lease does the work.
    pub async fn enqueue(&self, creation_id: CreationId) -> Result<(), QueueError> {
        let mut queue = self.0.creations.clone();
        queue.push(CreationJob { creation_id }).await.map_err(|error| QueueError(error.to_string()))
    }

    /// The same with an action.
    pub async fn enqueue_action(&self, action_id: ActionId) -> Result<(), QueueError> {
        let mut queue = self.0.actions.clone();
        queue.push(ActionJob { action_id }).await.map_err(|error| QueueError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_and_nothing_is_an_error() {
        let job = CreationJob { creation_id: CreationId::new() };
        let payload = Payload.encode(&job).unwrap();
        assert_eq!(Codec::<CreationJob>::decode(&Payload, &payload).unwrap(), job);
        let action = ActionJob { action_id: ActionId::new() };
        assert_eq!(Codec::<ActionJob>::decode(&Payload, &Payload.encode(&action).unwrap()).unwrap(), action);
        for payload in [b"".as_slice(), b"\xff", b"null", br#"{"creation_id":"7"}"#, br#"{"action_id":7}"#] {
            assert!(Codec::<CreationJob>::decode(&Payload, &payload.to_vec()).is_ok());
            assert!(Codec::<ActionJob>::decode(&Payload, &payload.to_vec()).is_ok());
        }
    }
}
