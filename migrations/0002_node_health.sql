-- How each node is, as a worker last saw it.
create table node_health (
    node_id uuid primary key references nodes on delete cascade,
    api jsonb, -- null: not asked since the node was added or edited
    api_checked_at timestamptz,
    api_since timestamptz, -- since when it has been in this state
    api_repeats integer not null default 0, -- checks in a row that found this state again
    api_due timestamptz not null default now(),
    ssh jsonb, -- null: not asked yet, or the node has no SSH access
    ssh_checked_at timestamptz,
    ssh_since timestamptz,
    ssh_repeats integer not null default 0,
    ssh_due timestamptz not null default now(),
    cluster_name text, -- null: a standalone host
    members jsonb not null default '[]', -- the cluster's other members
    asked_at timestamptz, -- when its owner last asked for a check
    lease uuid, -- the check that is under way
    lease_until timestamptz,
    constraint node_health_api_all_or_none check (
        (api is null) = (api_checked_at is null) and (api is null) = (api_since is null)),
    constraint node_health_ssh_all_or_none check (
        (ssh is null) = (ssh_checked_at is null) and (ssh is null) = (ssh_since is null)),
    constraint node_health_lease_ends check ((lease is null) = (lease_until is null))
);
create index node_health_due on node_health (least(api_due, ssh_due));
insert into node_health (node_id) select id from nodes;

-- What was known of a node is void once it is edited, and so is a check that is under way.
create function node_health_begins() returns trigger language plpgsql as $$
begin
    insert into node_health (node_id) values (new.id)
    on conflict (node_id) do update set
        api = null, api_checked_at = null, api_since = null, api_repeats = 0, api_due = now(),
        ssh = null, ssh_checked_at = null, ssh_since = null, ssh_repeats = 0, ssh_due = now(),
        cluster_name = null, members = '[]', lease = null, lease_until = null;
    return null;
end $$;
-- An edit is what sets updated_at, to whatever value. Moving the default or sealing secrets anew does not.
create trigger node_health_begins after insert or update of updated_at on nodes
    for each row execute function node_health_begins();

-- Whoever has nodes has a default: the partial unique index sees to "at most one", this to "not none".
create function nodes_have_a_default() returns trigger language plpgsql as $$
declare
    owner uuid := case when tg_op = 'DELETE' then old.user_id else new.user_id end;
begin
    -- One by one: a commit must see what the one before it has left. A user who is being deleted has no row here.
    perform from users where id = owner for no key update;
    if exists (select from nodes where user_id = owner)
        and not exists (select from nodes where user_id = owner and is_default)
    then
        raise exception 'a user with nodes has no default'
            using errcode = 'check_violation', constraint = 'nodes_have_a_default', table = 'nodes';
    end if;
    return null;
end $$;
create constraint trigger nodes_have_a_default after insert or delete or update of is_default, user_id on nodes
    deferrable initially deferred for each row execute function nodes_have_a_default();
