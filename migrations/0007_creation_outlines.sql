-- What pages show of a creation: its spec with the names of its scripts and the paths of its files in place of what is in them, which may be
-- 50 MiB. Beside the spec, so that a list does not even read that.
alter table creations add column outline jsonb not null generated always as (
    jsonb_set(
        jsonb_set(
            jsonb_set(spec, '{installers}', jsonb_path_query_array(spec, '$.installers[*].name')),
            '{scripts}', jsonb_path_query_array(spec, '$.scripts[*].name')
        ),
        '{files}', jsonb_path_query_array(spec, '$.files[*].path')
    )
) stored;
