-- Named lists of packages that somebody uses again and again.

create table package_buckets (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    name text not null constraint package_buckets_name_length check (char_length(name) between 1 and 100),
    packages jsonb not null, -- an array of {manager, name, version}, each package once
    revision integer not null default 1, -- grows with each change: who saves names the one they have seen
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint package_buckets_size check (jsonb_array_length(packages) <= 500)
);
create unique index package_buckets_name on package_buckets (user_id, lower(name));
