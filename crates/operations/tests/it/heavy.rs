//! Creations that bring much: a container template may hold 50 MiB.

use berth_domain::container_template::{FilePath, FilePolicy, Owner, TemplateFile};
use berth_domain::{CreationId, Vmid};
use berth_operations::Settings;
use berth_operations::creation::{CreationForm, recall};
use berth_operations::dashboard::Live;
use berth_store::{PgPool, creations};

use crate::support::{NOW, context, new_creation, node, person};

const CREATIONS: u32 = 20;

#[sqlx::test(migrations = "../../migrations")]
async fn what_lists_creations_does_not_read_their_files(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let alice = person(&ctx, "alice@pve").await;
    let attic = node(&ctx, alice, "attic").await;
    let mut new = new_creation(attic);
    new.spec.ssh_public_keys = vec!["ssh-ed25519 AAAA alice".into()];
    new.spec.files = vec![TemplateFile {
        path: "/srv/big".parse().unwrap(),
        content: vec![7; 256 << 10],
        mode: 0o644,
        owner: Owner::root(),
        policy: FilePolicy::Replace,
    }];
    let mut conn = ctx.pg.acquire().await.unwrap();
    for number in 0..CREATIONS {
        (new.spec.vmid, new.spec.hostname) = (Vmid::new(100 + number).unwrap(), format!("web-{number}"));
        creations::insert_as(&mut conn, CreationId::new(), alice, &new, NOW).await.unwrap().unwrap();
    }

    let shown = Live::start(ctx.clone()).await.unwrap().dashboard(alice).await.unwrap();
    assert_eq!(shown.creations.len(), CREATIONS as usize);
    for overview in &shown.creations {
        let spec = &overview.creation.spec;
        assert_eq!(overview.node_name, "attic");
        assert_eq!(spec.hostname, format!("web-{}", spec.vmid.get() - 100));
        assert_eq!(spec.files.iter().map(FilePath::as_str).collect::<Vec<_>>(), ["/srv/big"]);
    }
    let mut recalled = CreationForm::default();
    recall(&ctx, alice, &mut recalled).await.unwrap();
    assert_eq!(
        [&recalled.ssh_public_keys, &recalled.storage, &recalled.bridge, &recalled.preferred_os_template],
        ["ssh-ed25519 AAAA alice", "local-ct", "vmbr0", "local:vztmpl/debian-12.tar.zst"]
    );
    let read: i64 =
        sqlx::query_scalar("select sum(octet_length(outline::text)) from creations where user_id = $1")
            .bind(alice.uuid())
            .fetch_one(&ctx.pg)
            .await
            .unwrap();
    assert!(read < 50_000, "{read} bytes for a dashboard");
}
