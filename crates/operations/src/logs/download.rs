//! A whole log, straight from the container.

use berth_domain::{ContainerId, UserId};
use bytes::{Bytes, BytesMut};
use futures::Stream;
use futures::stream::unfold;

use super::lines::Splitter;
use super::listening::{self, Listener};
use super::open::{Asked, Opened, Tag};
use super::{Log, Whose};
use crate::{Context, Error, Result};

/// A line of a file that holds those of other services, too; of a longer one the rest is left out.
const LONGEST_TAGGED: usize = 1 << 20;

/// A log to be kept.
pub struct Download<S> {
    /// Letters, digits, dots, dashes and underscores.
    pub file_name: String,
    /// Its bytes, read no faster than they are taken. An error is an end before its time.
    pub bytes: S,
}

/// All of a log of one of the user's containers.
pub async fn download(
    ctx: &Context,
    user: UserId,
    id: ContainerId,
    whose: &Whose,
    source: Option<String>,
) -> Result<Download<impl Stream<Item = Result<Bytes>> + Send + 'static>> {
    let log = Log::find(ctx, user, id, whose).await?;
    let listener = Listener::join(user)?;
    let stem = if log.name.is_empty() { "system" } else { &log.name };
    let file_name = format!("{}-{}.log", plain(&log.container.hostname), plain(stem));
    let asked = Asked { mode: "download", source, from: String::new(), lines: 0, stdin: listening::beats() };
    let opened = Opened::open(ctx, user, log, asked).await?;
    if opened.format.is_none() {
        return Err(Error::Conflict("There is no log to download. Reload the page".into()));
    }
    let own = opened.tag().map(|tag| Own { tag, splitter: Splitter::new(LONGEST_TAGGED) });
    let state = (opened, own, listener, false);
    let bytes = unfold(state, |(mut opened, mut own, listener, is_over)| async move {
        if is_over {
            return None;
        }
        let piece = next(&mut opened, &mut own).await.transpose()?;
        let is_over = piece.is_err();
        Some((piece, (opened, own, listener, is_over)))
    });
    Ok(Download { file_name, bytes })
}

/// The lines of one service out of those of all.
struct Own {
    tag: Tag,
    splitter: Splitter,
}

async fn next(opened: &mut Opened, own: &mut Option<Own>) -> Result<Option<Bytes>> {
    loop {
        let Some(bytes) = opened.next().await? else { return Ok(None) };
        let Some(Own { tag, splitter }) = own else { return Ok(Some(bytes)) };
        let mut kept = BytesMut::new();
        splitter.push(&bytes, |line, _| {
            if tag.is_of(&String::from_utf8_lossy(line)) {
                kept.extend_from_slice(line);
                kept.extend_from_slice(b"\n");
            }
        });
        if !kept.is_empty() {
            return Ok(Some(kept.freeze()));
        }
    }
}

/// What may stand in a header and in a file's name on any system.
fn plain(text: &str) -> String {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || "-_.".contains(character) { character } else { '_' }
    };
    let name: String = text.chars().take(60).map(safe).collect();
    name.trim_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_cannot_choose_where_its_log_goes() {
        assert_eq!(plain("postgresql@15-main"), "postgresql_15-main");
        assert_eq!(plain("../../etc/x\r\nSet-Cookie: a"), "_.._etc_x__Set-Cookie__a");
        assert_eq!(plain("…\"<b>"), "___b_");
    }
}
