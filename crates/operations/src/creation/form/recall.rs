//! What somebody chose last time, for the next time.

use berth_domain::UserId;

use super::CreationForm;
use crate::{Context, Result};

/// How many of the latest creations are looked through.
const RECENT: u32 = 5;

/// Fills in what is still open as the person had it in their last creations: the SSH keys of the last one; storage, bridge and OS
/// template of the last one on the form's node. The node itself is the default one, unless the form names another.
pub async fn recall(ctx: &Context, user: UserId, form: &mut CreationForm) -> Result<()> {
    if form.node.is_empty() {
        let node = berth_store::nodes::find_default(&ctx.pg, user).await?;
        form.node = node.map(|node| node.id.to_string()).unwrap_or_default();
    }
    let recent = berth_store::creations::list_recent(&ctx.pg, user, RECENT).await?;
    if form.ssh_public_keys.is_empty()
        && let Some(last) = recent.first()
    {
        form.ssh_public_keys = last.spec.ssh_public_keys.join("\n");
    }
    let here = recent.iter().find(|creation| Some(creation.node_id) == form.node_id());
    if let Some(spec) = here.map(|creation| &creation.spec) {
        fill(&mut form.storage, &spec.storage);
        fill(&mut form.bridge, &spec.network.bridge);
        fill(&mut form.preferred_os_template, &spec.os_template);
        // What is gone since is no choice: another takes its place.
        form.fitted = "recalled".into();
    }
    Ok(())
}

fn fill(field: &mut String, value: &str) {
    if field.is_empty() {
        value.clone_into(field);
    }
}
