-- Container templates are found on disk (everybody's) or written in the page (one person's), and their contents are apart from their outline.

alter table container_templates drop constraint container_templates_pkey;
alter table container_templates
    add column id uuid not null default gen_random_uuid(),
    add column user_id uuid references users on delete cascade, -- null: found on disk, everybody's
    add column version integer not null default 1, -- counts edits, so that a second tab notices the first
    add column created_at timestamptz,
    add column title text not null generated always as (recipe ->> 'title') stored,
    add constraint container_templates_pkey primary key (id);
update container_templates set created_at = updated_at;
alter table container_templates
    alter column id drop default,
    alter column version drop default,
    alter column created_at set not null;
create unique index container_templates_name_on_disk on container_templates (name) where user_id is null;
create unique index container_templates_title_unique on container_templates (user_id, lower(title)) where user_id is not null;

-- What scripts and files hold, each once, so that a list does not load them. `recipe` names them by their hash.
create table container_template_contents (
    container_template_id uuid not null references container_templates on delete cascade,
    sha256 text not null, -- hexadecimal
    content bytea not null,
    primary key (container_template_id, sha256)
);
create index container_template_contents_by_hash on container_template_contents (sha256);
alter table container_template_contents alter column content set storage external; -- hashes are asked for, contents rarely

insert into container_template_contents (container_template_id, sha256, content)
select id, encode(sha256(content), 'hex'), content from (
    select id, convert_to(script ->> 'content', 'UTF8') as content
    from container_templates,
        jsonb_array_elements((recipe -> 'scripts') || coalesce(recipe -> 'installers', '[]')) as script
    union all
    select id, decode(file ->> 'content', 'base64')
    from container_templates, jsonb_array_elements(recipe -> 'files') as file
) as contents
on conflict do nothing;
create function pg_temp.outlined(members jsonb, encoding text) returns jsonb language sql as $$
    select coalesce(jsonb_agg((member - 'content') || jsonb_build_object(
        'size', octet_length(content), 'sha256', encode(sha256(content), 'hex')) order by position), '[]')
    from jsonb_array_elements(members) with ordinality as members (member, position),
        lateral (select case encoding when 'base64' then decode(member ->> 'content', 'base64')
            else convert_to(member ->> 'content', 'UTF8') end as content) as contents
$$;
update container_templates set recipe = recipe || jsonb_build_object(
    'scripts', pg_temp.outlined(recipe -> 'scripts', 'text'),
    'files', pg_temp.outlined(recipe -> 'files', 'base64'));
update container_templates set recipe = recipe || jsonb_build_object('installers', pg_temp.outlined(recipe -> 'installers', 'text'))
where recipe ? 'installers';

-- Files sent with a form that is not saved yet. What an edit replaces stays here for a while too, for a form in another tab.
create table container_template_uploads (
    user_id uuid not null references users on delete cascade,
    sha256 text not null,
    content bytea not null,
    created_at timestamptz not null,
    primary key (user_id, sha256)
);
create index container_template_uploads_by_age on container_template_uploads (created_at);

-- A creation keeps the name and the title for its history, and the id for as long as there is such a container template.
alter table creations add column container_template_id uuid references container_templates on delete set null;
update creations c set container_template_id = t.id from container_templates t where t.name = c.spec ->> 'container_template';
update creations c set spec = jsonb_set(spec, '{container_template}', jsonb_build_object(
    'id', container_template_id,
    'name', spec ->> 'container_template',
    'title', coalesce((select t.title from container_templates t where t.id = c.container_template_id), spec ->> 'container_template')))
where jsonb_typeof(spec -> 'container_template') = 'string';
create index creations_of_container_template on creations (container_template_id) where state in ('queued', 'running');

-- Drafts named it by its name. One that is gone stays named, and the wizard says that it is gone.
update drafts d set form = form || jsonb_build_object('container_template', t.id, 'container_template_title', t.title)
from container_templates t where t.name = d.form ->> 'container_template';
update drafts set form = form || jsonb_build_object('container_template_title', form ->> 'container_template')
where form ->> 'container_template' <> '' and not form ? 'container_template_title';
