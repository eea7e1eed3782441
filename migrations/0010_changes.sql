-- Whoever shows nodes, containers or creations hears of each change of them: 'rows' and the id of the user whose they are.
create function announce_rows_of_user() returns trigger language plpgsql as $$
begin
    perform pg_notify('berth_changes', 'rows ' || coalesce(new.user_id, old.user_id));
    return null;
end $$;
create function announce_rows_of_node() returns trigger language plpgsql as $$
begin
    -- Where the node itself went, that was announced.
    perform pg_notify('berth_changes', 'rows ' || user_id) from nodes where id = coalesce(new.node_id, old.node_id);
    return null;
end $$;

create trigger nodes_announced after insert or delete or update of name, host, port, pve_node_name, cluster, updated_at on nodes
    for each row execute function announce_rows_of_user();
create trigger containers_announced after insert or delete or update on containers
    for each row execute function announce_rows_of_node();
-- Not of `last_seq`, which moves with every line.
create trigger creations_announced after insert or delete or update of state, phase, percent, container_id on creations
    for each row execute function announce_rows_of_user();
create trigger container_actions_announced after insert or delete or update of state on container_actions
    for each row execute function announce_rows_of_user();
