-- What somebody asks of a container, and what has become of it.

create table container_actions (
    id uuid primary key,
    container_id uuid not null references containers on delete cascade,
    user_id uuid not null references users on delete cascade, -- who asked
    kind text not null check (kind in ('start', 'shutdown', 'stop', 'restart', 'delete', 'adopt')),
    purge boolean not null default false, -- delete: also from backup jobs, replication and HA
    stop_first boolean not null default false, -- delete: although it runs
    state text not null check (state in ('queued', 'running', 'done', 'failed')),
    known_upid text, -- the newest task of this kind before the request was sent; empty: there was none
    sent_at timestamptz, -- when the request was about to be sent
    sendings smallint not null default 0, -- how often it was
    upid text, -- the task that does it
    error text, -- why it failed, with the remedy
    remedy text check (remedy in ('stop', 'adopt')), -- what the page offers beside that
    deliveries integer not null default 0, -- how often a worker took it, over all crashes
    lease_owner text,
    lease_until timestamptz,
    enqueued_at timestamptz, -- when it was last put in the queue
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz
);
-- One at a time on one container, however many tabs and clicks ask for one.
create unique index container_actions_live on container_actions (container_id) where state in ('queued', 'running');
create index container_actions_of_container on container_actions (container_id);

-- What happened to containers. No reference to container or node: it is kept when they are gone.
create table container_events (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    container_id uuid, -- null: a creation ended before there was one
    hostname text not null,
    vmid integer not null,
    node_name text not null,
    kind text not null,
    actor text not null, -- the userid that asked for it
    text text not null,
    at timestamptz not null
);
create index container_events_of_user on container_events (user_id, at desc, id desc);
create index container_events_of_container on container_events (container_id, at desc, id desc);
