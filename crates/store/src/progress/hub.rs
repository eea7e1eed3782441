//! One subscription per process, however many pages watch.

use std::sync::Arc;

use berth_domain::CreationId;
use berth_domain::creation::StoredEvent;
use fred::clients::SubscriberClient;
use fred::interfaces::{ClientLike as _, EventInterface as _, PubsubInterface as _};
use fred::types::Message;
use futures::Stream;
use futures::stream;
use sqlx::PgPool;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use super::Notice;
use super::follow::Following;

use crate::error::Result;
use crate::redis::Redis;

/// How many notices a slow watcher may lag behind before it reads again instead.
const BACKLOG: usize = 1024;

/// Something watchers react to.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    /// Events were stored.
    Stored(Arc<Notice>),
    /// Notices may have been lost.
    Missed,
}

/// Spreads what one Redis subscription hears to all who watch in this process. Clones share it.
#[derive(Clone)]
pub struct ProgressHub {
    pub(super) pg: PgPool,
    pub(super) redis: Redis,
    pub(super) signals: broadcast::Sender<Signal>,
    _subscription: Arc<Subscription>,
}

impl std::fmt::Debug for ProgressHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProgressHub({} watching)", self.signals.receiver_count())
    }
}

/// Ends with the last clone of the hub.
struct Subscription {
    client: SubscriberClient,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        let client = self.client.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { client.quit().await });
        }
    }
}

impl ProgressHub {
    /// Subscribes to all progress. The connection is made anew, and subscribed again, for as long as the hub
    /// lives.
    pub async fn start(pg: PgPool, redis: Redis) -> Result<Self> {
        let client = redis.subscriber().await?;
        let (signals, _) = broadcast::channel(BACKLOG);
        let listen = listen(client.message_rx(), client.reconnect_rx(), signals.clone());
        let tasks = [client.manage_subscriptions(), tokio::spawn(listen)];
        let subscription = Arc::new(Subscription { client, tasks });
        subscription.client.subscribe(redis.progress_channel()).await?;
        Ok(Self { pg, redis, signals, _subscription: subscription })
    }

    /// The events of a creation after number `after`: those stored, then those to come, each once and in
    /// order, whatever becomes of Redis. Ends after the last event of a creation that is over or gone.
    /// Whether the creation is the watcher's is for the caller to know.
    pub fn follow(&self, id: CreationId, after: i64) -> impl Stream<Item = StoredEvent> + Send + 'static {
        let following = Following::new(self.clone(), id, after);
        stream::unfold(following, |mut following| async move {
            let event = following.next().await?;
            Some((event, following))
        })
    }

    /// How many pages watch.
    pub fn watching(&self) -> usize {
        self.signals.receiver_count()
    }
}

async fn listen(
    mut messages: broadcast::Receiver<Message>,
    mut reconnects: broadcast::Receiver<fred::types::config::Server>,
    signals: broadcast::Sender<Signal>,
) {
    use broadcast::error::RecvError::{Closed, Lagged};
    loop {
        let signal = tokio::select! {
            message = messages.recv() => match message {
                Ok(message) => read(&message),
                Err(Lagged(_)) => Signal::Missed,
                Err(Closed) => return,
            },
            reconnected = reconnects.recv() => match reconnected {
                Ok(_) | Err(Lagged(_)) => Signal::Missed,
                Err(Closed) => return,
            },
        };
        // Nobody watches: nobody misses it.
        let _ = signals.send(signal);
    }
}

fn read(message: &Message) -> Signal {
    let text = message.value.as_str().unwrap_or_default();
    match serde_json::from_str::<Notice>(&text) {
        Ok(notice) => Signal::Stored(Arc::new(notice)),
        Err(error) => {
            tracing::warn!(%error, "a progress notice does not parse");
            Signal::Missed
        }
    }
}
