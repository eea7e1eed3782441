//! Step 2: where it runs, what it gets, how it is reached.

use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use berth_domain::node::Node;
use berth_operations::creation::CreationForm;
use berth_operations::node_options::{self, NodeOptions};
use berth_operations::{Error, nodes, vmids};

use super::draft::{Behind, Opened};
use super::typed::Typed;
use super::view::{ConfigureForm, ConfigureStepPage, DownloadView, NodeOffer, VmidCheck, WizardStep};
use super::{offer, os_templates, start, vmid};
use crate::WebError;
use crate::error::NodeTrouble;
use crate::forms::{Choice, FormErrors, Rejected};

pub(super) async fn show(opened: Opened) -> Result<Response, WebError> {
    page(opened, &FormErrors::default()).await
}

/// Keeps what was typed, then does what the pressed button says; without one it goes on, if all is well.
pub(super) async fn submit(mut opened: Opened, Form(mut typed): Form<Typed>) -> Result<Response, WebError> {
    let go = std::mem::take(&mut typed.go);
    let seen = typed.version;
    let not_kept = typed.apply(&mut opened.draft.form);
    if !opened.save(seen).await? {
        return Ok(Behind(page(opened, &not_kept).await?).into_response());
    }
    if !not_kept.is_empty() {
        return Ok(Rejected(page(opened, &not_kept).await?).into_response());
    }
    match go.as_str() {
        "back" => return Ok(opened.go_to(WizardStep::Template)),
        "download" => return Ok(Redirect::to(&os_templates::path(&opened)).into_response()),
        // The page does the rest, as whenever the node is another one.
        "node" | "check" => return Ok(opened.go_to(WizardStep::Configure)),
        "docker" => opened.draft.form.make_ready_for_docker(),
        "next-vmid" => {
            if let Err(problem) = vmid::fill(&mut opened).await? {
                let errors = [("vmid", problem)].into_iter().collect();
                return Ok(Rejected(page(opened, &errors).await?).into_response());
            }
        }
        "review" => return go_on(opened, WizardStep::Review).await,
        _ => return go_on(opened, WizardStep::Packages).await,
    }
    opened.save(None).await?;
    Ok(opened.go_to(WizardStep::Configure))
}

async fn go_on(opened: Opened, to: WizardStep) -> Result<Response, WebError> {
    let form = &opened.draft.form;
    let mut errors = FormErrors::from(form.configuration_errors());
    let nodes = nodes::stored(opened.call.ctx(), opened.call.user_id()).await?;
    match chosen(&nodes, form) {
        None => errors.add("node", "Choose a node"),
        // The lists were of another node.
        Some(node) if !form.fitted.is_empty() && form.fitted != node.id.to_string() => {
            return Ok(opened.go_to(WizardStep::Configure));
        }
        Some(_) => {}
    }
    if errors.is_empty() {
        return Ok(opened.go_to(to));
    }
    Ok(Rejected(page(opened, &errors).await?).into_response())
}

fn chosen<'a>(nodes: &'a [Node], form: &CreationForm) -> Option<&'a Node> {
    nodes.iter().find(|node| Some(node.id) == form.node_id())
}

/// The page with its messages, as the node answers now.
pub(super) async fn page(mut opened: Opened, errors: &FormErrors) -> Result<Response, WebError> {
    let nodes = nodes::stored(opened.call.ctx(), opened.call.user_id()).await?;
    let fallback = nodes.iter().find(|node| node.is_default).or(nodes.first());
    let Some(node) = chosen(&nodes, &opened.draft.form).or(fallback) else {
        return Ok(start::no_nodes(&opened.call).await?.into_response());
    };
    opened.draft.form.node = node.id.to_string();
    let (asked, download) =
        tokio::join!(Box::pin(ask(&opened, node)), Box::pin(os_templates::shown(&opened)));
    let (mut changed, download) = (Vec::new(), download?);
    let offer = match asked? {
        Ok(options) => {
            changed = node_options::fit(&mut opened.draft.form, &options);
            let coming = download.as_ref().and_then(DownloadView::coming);
            Ok(offer::view(&options, &opened.draft.form, coming))
        }
        Err(trouble) => Err(trouble),
    };
    // The part that htmx would take is not on the page of a node that does not answer.
    if offer.is_err() && opened.call.by_htmx.0 {
        return Ok(opened.call.by_htmx.go_to(&opened.wizard(WizardStep::Configure).here()));
    }
    let vmid_check = vmid_check(&opened, node, &offer).await?;
    let page = ConfigureStepPage {
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Configure),
        form: form(&opened.draft.form, errors),
        fitted: opened.draft.form.fitted.clone(),
        hostname_hint: hostname_hint(&opened.draft.form),
        vmid_check,
        offer,
        changed,
        download,
        nodes: nodes.iter().map(|node| Choice::new(node.id.to_string(), node_label(node))).collect(),
    };
    Ok(page.into_response())
}

fn node_label(node: &Node) -> String {
    let without_ssh = if node.ssh.is_some() { "" } else { ", without SSH" };
    format!("{} ({}{without_ssh})", node.name, node.address)
}

/// Asks the node for what it offers and, at the same time, for the guests it has: that fills the cache of taken VMIDs.
async fn ask(opened: &Opened, node: &Node) -> Result<Result<NodeOptions, NodeTrouble>, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    let (options, refreshed) =
        tokio::join!(node_options::options(ctx, user, node.id), vmids::refresh(ctx, user, node.id));
    if let Err(error) = refreshed {
        tracing::warn!(node = %node.id, %error, "the taken VMIDs are not known");
    }
    Ok(match options {
        Ok(options) => match options.trouble() {
            Some(text) => Err(trouble(&node.name, text)),
            None => Ok(options),
        },
        Err(Error::Node(found)) => Err(NodeTrouble::from(*found)),
        Err(error) => return Err(error.into()),
    })
}

/// Trouble from a text that may begin with the node's name.
pub(super) fn trouble(node: &str, text: &str) -> NodeTrouble {
    let text = text.strip_prefix(node).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text);
    NodeTrouble::told(node, text)
}

async fn vmid_check(
    opened: &Opened,
    node: &Node,
    offer: &Result<NodeOffer, NodeTrouble>,
) -> Result<VmidCheck, WebError> {
    // A node that does not answer would only keep the reader waiting once more.
    if offer.is_err() {
        return Ok(VmidCheck::Empty);
    }
    vmid::look_up(&opened.call, node.id, &opened.draft.form.vmid).await
}

fn form(typed: &CreationForm, errors: &FormErrors) -> ConfigureForm {
    ConfigureForm {
        node: errors.field("node", &typed.node),
        hostname: errors.field("hostname", &typed.hostname),
        vmid: errors.field("vmid", &typed.vmid),
        os_template: errors.field("os_template", &typed.os_template),
        cores: errors.field("cores", &typed.cores),
        memory: errors.field("memory", &typed.memory),
        swap: errors.field("swap", &typed.swap),
        disk: errors.field("disk", &typed.disk),
        storage: errors.field("storage", &typed.storage),
        bridge: errors.field("bridge", &typed.bridge),
        vlan: errors.field("vlan", &typed.vlan),
        ipv4_method: errors.field("ipv4_method", &typed.ipv4_method),
        ipv4_address: errors.field("ipv4_address", &typed.ipv4_address),
        ipv4_gateway: errors.field("ipv4_gateway", &typed.ipv4_gateway),
        ipv6_method: errors.field("ipv6_method", &typed.ipv6_method),
        ipv6_address: errors.field("ipv6_address", &typed.ipv6_address),
        ipv6_gateway: errors.field("ipv6_gateway", &typed.ipv6_gateway),
        firewall: typed.firewall,
        nameserver: errors.field("nameserver", &typed.nameserver),
        search_domain: errors.field("search_domain", &typed.search_domain),
        unprivileged: typed.unprivileged,
        nesting: typed.nesting,
        keyctl: typed.keyctl,
        keyctl_error: errors.get("keyctl"),
        fuse: typed.fuse,
        start_at_boot: typed.start_at_boot,
        ssh_public_keys: errors.field("ssh_public_keys", &typed.ssh_public_keys),
        tags: errors.field("tags", &typed.tags),
        error_count: errors.len(),
    }
}

/// What the field shows while it is empty.
fn hostname_hint(form: &CreationForm) -> String {
    if form.hostname_hint.is_empty() { "web-01".into() } else { form.hostname_hint.clone() }
}
