//! Which sessions a person has. The index holds the sessions' keys only; what is shown of them is read from the
//! sessions themselves, so that what has ended is never listed.

use berth_domain::{SessionHandle, UserId};
use fred::interfaces::{KeysInterface as _, LuaInterface as _, SetsInterface as _};
use time::OffsetDateTime;

use super::{LONGEST, Login, SessionStore};
use crate::error::{Result, corrupt};

/// Takes out of an index what has no session: not what has just got one since it was looked for.
const FORGET: &str = "
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then redis.call('SREM', KEYS[1], ARGV[i - 1]) end
end
return 0";

/// A session that is open, as its owner may see it.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// Whose it is, since when and from where.
    pub login: Login,
    /// When it was last used.
    pub seen: OffsetDateTime,
}

impl SessionStore {
    fn index(&self, user: UserId) -> String {
        self.redis.key("sessions-of", user)
    }

    pub(super) async fn enter(&self, user: UserId, hash: &str) -> Result<()> {
        let index = self.index(user);
        let _: i64 = self.redis.pool().sadd(&index, hash).await?;
        // No session of today lives longer.
        let _: i64 = self.redis.pool().expire(&index, LONGEST.whole_seconds(), None).await?;
        Ok(())
    }

    pub(super) async fn leave(&self, user: UserId, hashes: &[String]) -> Result<()> {
        if !hashes.is_empty() {
            let _: i64 = self.redis.pool().srem(self.index(user), hashes.to_vec()).await?;
        }
        Ok(())
    }

    /// The user's open sessions, the latest login first.
    pub async fn list(&self, user: UserId) -> Result<Vec<OpenSession>> {
        Ok(self.entries(user).await?.into_iter().map(|(_, session)| session).collect())
    }

    /// Ends one of the user's sessions. False when they have no such session.
    pub async fn end(&self, user: UserId, handle: SessionHandle) -> Result<bool> {
        Ok(self.end_where(user, |session| session.login.handle == handle).await? > 0)
    }

    /// Ends all of the user's sessions but one; answers how many.
    pub async fn end_others(&self, user: UserId, keep: SessionHandle) -> Result<usize> {
        self.end_where(user, |session| session.login.handle != keep).await
    }

    async fn end_where(&self, user: UserId, ends: impl Fn(&OpenSession) -> bool) -> Result<usize> {
        let entries = self.entries(user).await?;
        let ending: Vec<String> =
            entries.into_iter().filter(|(_, session)| ends(session)).map(|(hash, _)| hash).collect();
        if ending.is_empty() {
            return Ok(0);
        }
        let keys: Vec<String> = ending.iter().map(|hash| self.key(hash)).collect();
        let ended: usize = self.redis.pool().del(keys).await?;
        self.leave(user, &ending).await?;
        Ok(ended)
    }

    /// The user's sessions with the hashes of their ids. What has ended by itself leaves the index.
    async fn entries(&self, user: UserId) -> Result<Vec<(String, OpenSession)>> {
        let hashes: Vec<String> = self.redis.pool().smembers(self.index(user)).await?;
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = hashes.iter().map(|hash| self.key(hash)).collect();
        let texts: Vec<Option<String>> = self.redis.pool().mget(keys).await?;
        let (mut open, mut ended) = (Vec::new(), Vec::new());
        for (hash, text) in hashes.into_iter().zip(texts) {
            match text.and_then(|text| self.open_session(&text, user)) {
                Some(session) => open.push((hash, session?)),
                None => ended.push(hash),
            }
        }
        self.forget(user, ended).await?;
        open.sort_by_key(|(_, session)| std::cmp::Reverse((session.login.at, session.login.handle)));
        Ok(open)
    }

    async fn forget(&self, user: UserId, ended: Vec<String>) -> Result<()> {
        if !ended.is_empty() {
            let sessions = ended.iter().map(|hash| self.key(hash));
            let keys: Vec<String> = std::iter::once(self.index(user)).chain(sessions).collect();
            let _: i64 = self.redis.pool().eval(FORGET, keys, ended).await?;
        }
        Ok(())
    }

    fn open_session(&self, text: &str, user: UserId) -> Option<Result<OpenSession>> {
        let stored = self.alive(text)?;
        let login = stored.login().ok()?.filter(|login| login.user.id == user)?;
        let seen = OffsetDateTime::from_unix_timestamp(stored.seen).map_err(|_| corrupt("a session")());
        Some(seen.map(|seen| OpenSession { login, seen }))
    }
}
