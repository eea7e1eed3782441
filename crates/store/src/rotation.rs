//! Stored secrets and the keys that sealed them: which are in use, and sealing anew under the current one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use berth_domain::Secret;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::crypto::{Context, HEADER, KeyId, Keyring, header, sealed_by};
use crate::error::Result;

/// Every encrypted column, as table and column; each table has an `id`. A test compares this with the schema.
pub const ENCRYPTED: &[(&str, &str)] =
    &[("nodes", "token_secret"), ("nodes", "ssh_secret"), ("nodes", "ssh_passphrase")];

/// Envelopes that are read at once.
const BATCH: i64 = 50;

/// How many stored secrets each key has sealed. `None` is what no known version of Berth has sealed.
pub type Usage = BTreeMap<Option<KeyId>, u64>;

/// Which keys the stored secrets need.
pub async fn usage(pg: &PgPool) -> Result<Usage> {
    let mut statement = format!("select substring(envelope from 1 for {HEADER}), count(*) from (");
    for (position, (table, column)) in ENCRYPTED.iter().enumerate() {
        let union = if position == 0 { "" } else { " union all " };
        write!(statement, "{union}select {column} as envelope from {table}").expect("a String takes all");
    }
    statement.push_str(") as all_of_them where envelope is not null group by 1");
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(AssertSqlSafe(statement)).fetch_all(pg).await?;
    let mut usage = Usage::new();
    for (header, count) in rows {
        *usage.entry(sealed_by(&header)).or_default() += u64::try_from(count).unwrap_or_default();
    }
    Ok(usage)
}

/// Keys that the stored secrets need and the keyring has not, with how many need each.
pub fn missing(usage: &Usage, keyring: &Keyring) -> Vec<(KeyId, u64)> {
    let sealed = usage.iter().filter_map(|(id, count)| Some(((*id)?, *count)));
    sealed.filter(|(id, _)| !keyring.ids().any(|known| known == *id)).collect()
}

/// An envelope that was left as it is: no given key opens it, or it is damaged.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable {
    /// Where it is.
    pub place: Context,
    /// The key that sealed it, where that can be told.
    pub key: Option<KeyId>,
}

/// What was done so far.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Sealed anew under the current key.
    pub sealed_anew: u64,
    /// Given up, as asked: now empty.
    pub forgotten: u64,
    /// What no given key opens.
    pub unreadable: Vec<Unreadable>,
}

/// Seals every stored secret anew that an older key has sealed, step by step.
///
/// No step holds a lock longer than one statement takes. Stopped between two steps, or in the middle of one, it
/// leaves each secret under its old key or under the current one; begun again, it goes on with what is left.
#[derive(Debug)]
pub struct Rotation<'a> {
    pg: &'a PgPool,
    keyring: &'a Keyring,
    forget: Option<KeyId>,
    column: usize,
    after: Uuid,
    report: Report,
}

impl<'a> Rotation<'a> {
    /// From the beginning. What `forget` has sealed becomes empty, unless the keyring has that key.
    pub fn new(pg: &'a PgPool, keyring: &'a Keyring, forget: Option<KeyId>) -> Self {
        Self { pg, keyring, forget, column: 0, after: Uuid::nil(), report: Report::default() }
    }

    /// What was done so far.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Does a few; false when there are no more.
    pub async fn step(&mut self) -> Result<bool> {
        let Some(&(table, column)) = ENCRYPTED.get(self.column) else { return Ok(false) };
        let statement = format!(
            "select id, {column} from {table}
             where id > $1 and {column} is not null and substring({column} from 1 for {HEADER}) <> $2
             order by id limit $3"
        );
        let batch: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(statement))
            .bind(self.after)
            .bind(header(self.keyring.current()))
            .bind(BATCH)
            .fetch_all(self.pg)
            .await?;
        (self.column, self.after) =
            batch.last().map_or((self.column + 1, Uuid::nil()), |(id, _)| (self.column, *id));
        for (row, envelope) in batch {
            self.seal_anew(Context { table, column, row }, envelope).await?;
        }
        Ok(true)
    }

    async fn seal_anew(&mut self, place: Context, envelope: Vec<u8>) -> Result<()> {
        let mut found = envelope;
        loop {
            let key = sealed_by(&found);
            let secret = match self.keyring.open(&found, place) {
                Ok(secret) => secret,
                Err(_) if key.is_some() && key == self.forget && !self.has(key) => Secret::from(""),
                Err(_) => {
                    self.report.unreadable.push(Unreadable { place, key });
                    return Ok(());
                }
            };
            if self.replace(place, &found, &self.keyring.seal(&secret, place)).await? {
                let count =
                    if self.has(key) { &mut self.report.sealed_anew } else { &mut self.report.forgotten };
                *count += 1;
                return Ok(());
            }
            // Somebody was quicker: what they stored counts, and may itself need this.
            match self.read(place).await? {
                Some(newer) if !self.keyring.is_current(&newer) => found = newer,
                _ => return Ok(()),
            }
        }
    }

    fn has(&self, key: Option<KeyId>) -> bool {
        key.is_some_and(|key| self.keyring.ids().any(|known| known == key))
    }

    /// Replaces exactly what was read, so that a secret stored meanwhile is never overwritten by an older one.
    async fn replace(&self, place: Context, old: &[u8], new: &[u8]) -> Result<bool> {
        let Context { table, column, row } = place;
        let statement = format!("update {table} set {column} = $3 where id = $1 and {column} = $2");
        let done =
            sqlx::query(AssertSqlSafe(statement)).bind(row).bind(old).bind(new).execute(self.pg).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn read(&self, place: Context) -> Result<Option<Vec<u8>>> {
        let Context { table, column, row } = place;
        let statement = format!("select {column} from {table} where id = $1");
        let found = sqlx::query_scalar(AssertSqlSafe(statement)).bind(row).fetch_optional(self.pg).await?;
        Ok(found.flatten())
    }
}
