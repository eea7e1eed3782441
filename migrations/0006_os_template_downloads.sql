-- OS templates that wizards have a node download from Proxmox's catalogue.
create table os_template_downloads (
    id uuid primary key,
    node_id uuid not null references nodes on delete cascade,
    storage text not null,
    file text not null,
    upid text, -- null: it was asked for, and whether the node has begun is not known
    state text not null check (state in ('running', 'done', 'failed', 'cancelled')),
    error text,
    created_at timestamptz not null,
    finished_at timestamptz
);
-- However many tabs and drafts ask for a file, it is downloaded once at a time.
create unique index os_template_downloads_live on os_template_downloads (node_id, storage, file) where state = 'running';

-- The latest one that a wizard asked for, or joined.
alter table drafts add column os_template_download uuid references os_template_downloads on delete set null;
