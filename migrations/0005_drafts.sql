-- A tab that is behind is told so, and what was discarded can be brought back.

alter table drafts
    add column version integer not null default 1, -- grows with each change; 1: nothing was changed since it was opened
    add column discarded_at timestamptz; -- null: it is not
update drafts set version = 2 where updated_at > created_at;
