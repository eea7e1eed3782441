-- People, their nodes, what they create on them, and how that went.

-- Hosts that may vouch for a login, and the certificate each showed when a login first succeeded there.
create table login_hosts (
    host text not null,
    port integer not null check (port between 1 and 65535),
    source text not null check (source in ('claimed', 'added', 'remembered')),
    fingerprint text, -- null: the public roots vouch for it, or it is not verified yet
    verified_at timestamptz, -- null: no login has succeeded there, so nothing is known of its certificate
    created_at timestamptz not null,
    primary key (host, port),
    constraint login_hosts_pin_is_verified check (fingerprint is null or verified_at is not null)
);
-- Whoever comes second finds the claim taken, however close behind.
create unique index login_hosts_one_claim on login_hosts (source) where source = 'claimed';

create table users (
    id uuid primary key,
    login_host text not null,
    login_port integer not null,
    userid text not null,
    created_at timestamptz not null,
    last_login_at timestamptz not null,
    constraint users_identity unique (login_host, login_port, userid)
);

create table nodes (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    name text not null check (char_length(name) between 1 and 100),
    host text not null,
    port integer not null check (port between 1 and 65535),
    certificate text, -- SHA-256 of the pinned certificate; null: the public roots vouch for it
    token_id text not null,
    token_secret bytea not null, -- an envelope of crates/store's crypto module
    pve_node_name text not null,
    cluster text not null, -- what shares one VMID space
    pve_version text not null,
    ssh_host text,
    ssh_port integer check (ssh_port between 1 and 65535),
    ssh_user text,
    ssh_method text check (ssh_method in ('password', 'key')),
    ssh_secret bytea,
    ssh_passphrase bytea,
    ssh_host_key text,
    is_default boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint nodes_name_unique unique (user_id, name),
    constraint nodes_ssh_all_or_none check (
        (ssh_method is null) = (ssh_host is null) and (ssh_method is null) = (ssh_port is null)
        and (ssh_method is null) = (ssh_user is null) and (ssh_method is null) = (ssh_secret is null)
        and (ssh_method is null) = (ssh_host_key is null)
    )
);
create unique index nodes_one_default on nodes (user_id) where is_default;

create table container_templates (
    name text primary key,
    recipe jsonb not null,
    updated_at timestamptz not null
);

-- A wizard that has not been submitted yet.
create table drafts (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    form jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index drafts_of_user on drafts (user_id, updated_at desc);

create table creations (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    node_id uuid not null references nodes on delete cascade,
    cluster text not null,
    vmid integer not null check (vmid between 100 and 999999999),
    spec jsonb not null,
    state text not null check (state in ('queued', 'running', 'ready', 'failed', 'cancelled')),
    phase text not null check (phase in ('creating', 'starting', 'deploying', 'syncing', 'finalizing')),
    percent smallint not null check (percent between 0 and 100),
    attempt integer not null default 0,   -- the owner's retries
    deliveries integer not null default 0, -- how often a worker took it, over all crashes
    lease_owner text,
    lease_until timestamptz,
    enqueued_at timestamptz, -- when it was last put in the queue
    cancel_requested boolean not null default false,
    upid text, -- the Proxmox task that is waited for
    task_lines bigint not null default 0, -- lines of its log that are stored here
    error text,
    last_seq bigint not null default 0,
    container_id uuid,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz
);
-- The database, not a check before the insert, decides who gets a VMID.
create unique index creations_live_vmid on creations (cluster, vmid) where state in ('queued', 'running');
create index creations_of_user on creations (user_id, created_at desc);
create index creations_live on creations (state) where state in ('queued', 'running');

create table creation_steps (
    creation_id uuid not null references creations on delete cascade,
    position integer not null,
    kind text not null check (kind in ('packages', 'script')),
    name text not null,
    state text not null check (state in ('waiting', 'running', 'done', 'failed')),
    exit_code integer,
    log_offset bigint not null default 0, -- bytes of its log inside the container that are stored here
    started_at timestamptz,
    finished_at timestamptz,
    primary key (creation_id, position)
);

-- Numbered without gaps within a creation: a reader sees at once whether it has missed one.
create table creation_events (
    creation_id uuid not null references creations on delete cascade,
    seq bigint not null,
    at timestamptz not null,
    event jsonb not null,
    primary key (creation_id, seq)
);

create table containers (
    id uuid primary key,
    node_id uuid not null references nodes on delete cascade,
    creation_id uuid references creations on delete set null,
    vmid integer not null check (vmid between 100 and 999999999),
    hostname text not null,
    container_template text,
    address text,
    services jsonb not null default '[]',
    discovered_at timestamptz,
    created_at timestamptz not null,
    gone_at timestamptz -- deleted on Proxmox or forgotten
);
create unique index containers_live_vmid on containers (node_id, vmid) where gone_at is null;
