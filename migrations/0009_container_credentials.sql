-- What scripts have saved with save_credential, as last discovered: service and key, never the value.
alter table containers add column credentials jsonb not null default '[]';
