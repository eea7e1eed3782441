//! What runs inside a container, and what its scripts have saved there.

pub(crate) mod discovery;
pub(crate) mod inside;

use berth_domain::container_event::EventKind;
use berth_domain::discovery::Credential;
use berth_domain::{ContainerId, Secret, UserId};
use berth_store::container_events;

use self::inside::Inside;
use crate::{Context, Error, Result};

/// The largest output of the script that looks for services, in bytes.
const MOST_FOUND: usize = 4 << 20;
/// The largest file of credentials, in bytes.
const MOST_SAVED: usize = 64 << 10;

/// Looks again for what runs inside one of the user's containers, by one `pct` call, and stores it; answers how many services there are.
/// When that fails what is stored stays as it was.
pub async fn discover(ctx: &Context, user: UserId, id: ContainerId) -> Result<usize> {
    let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    let inside = Inside::enter(ctx, user, container).await?;
    let output = inside.run(&["sh", "-c", discovery::SCRIPT, "berth"], MOST_FOUND).await?;
    let output = output.stdout_text();
    if !discovery::is_whole(&output) {
        let name = &inside.container.hostname;
        return Err(Error::Conflict(format!("{name} did not tell all of what runs in it. Try again")));
    }
    let found = discovery::read(&output);
    let now = ctx.clock.now();
    if berth_store::containers::set_discovery(&ctx.pg, user, id, &found.stored(), now).await? {
        return Ok(found.services.len());
    }
    Err(Error::NotFound)
}

/// What scripts have saved in one of the user's containers, as last discovered: names, never values.
pub async fn credentials(ctx: &Context, user: UserId, id: ContainerId) -> Result<Vec<Credential>> {
    berth_store::containers::credentials(&ctx.pg, user, id).await?.ok_or(Error::NotFound)
}

/// Reads the value of a credential of one of the user's containers, now and inside it: it is stored nowhere else. That it was shown is an
/// event of the container, recorded before the value is answered.
pub async fn reveal(ctx: &Context, user: UserId, id: ContainerId, wanted: &Credential) -> Result<Secret> {
    let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    if !credentials(ctx, user, id).await?.contains(wanted) {
        return Err(Error::NotFound);
    }
    let inside = Inside::enter(ctx, user, container).await?;
    let file = format!("/etc/berth/credentials/{}", wanted.service);
    let output = inside.run(&["cat", "--", &file], MOST_SAVED).await?;
    let saved = Secret::from(output.stdout_text());
    let Some(value) = value_of(&saved, &wanted.key) else {
        return Err(Error::Conflict(format!(
            "{} of {} is not in {} any more. Discover again to see what is",
            wanted.key, wanted.service, inside.container.hostname
        )));
    };
    let text = format!("Showed {} of {}", wanted.key, wanted.service);
    let event = (EventKind::Revealed, text.as_str());
    if !container_events::append(&ctx.pg, user, id, event, ctx.clock.now()).await? {
        return Err(Error::NotFound);
    }
    Ok(value)
}

fn value_of(saved: &Secret, key: &str) -> Option<Secret> {
    use secrecy::ExposeSecret as _;
    let mut pairs = saved.expose_secret().lines().filter_map(|line| line.split_once('='));
    pairs.find(|(found, _)| *found == key).map(|(_, value)| Secret::from(value))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_value_is_the_whole_rest_of_its_own_line() {
        let saved = Secret::from("USER=admin\nPASS.WORD=x\nPASSaWORD=y\nURL=http://a/?b=c\n");
        let value = |key| value_of(&saved, key).map(|value| value.expose_secret().to_owned());
        assert_eq!(value("PASS.WORD").as_deref(), Some("x"));
        assert_eq!(value("URL").as_deref(), Some("http://a/?b=c"));
        assert_eq!(value("NONE"), None);
    }
}
