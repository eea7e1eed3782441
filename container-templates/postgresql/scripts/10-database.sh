# A database "app" and its owner "app", who may come from the network with a password.
set -eu

password=$(ensure_credential postgresql PASSWORD)
save_credential postgresql USER app
save_credential postgresql DATABASE app
save_credential postgresql PORT 5432

answers() {
    [ "$(PGPASSWORD=$password psql -qtAXw -h 127.0.0.1 -U app -d app -c 'SELECT 6 * 7')" = 42 ]
}

# Debian keeps a folder and a unit per major version; a new container has one.
version=$(find /etc/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
config=/etc/postgresql/$version/main
if [ ! -e "$config/conf.d/network.conf" ]; then
    echo "listen_addresses = '*'" >"$config/conf.d/network.conf"
    # Only this user comes from outside, and never without the password.
    echo 'host    all             app             all                     scram-sha-256' >>"$config/pg_hba.conf"
    systemctl restart "postgresql@$version-main"
fi

if ! answers 2>/dev/null; then
    # The password goes through standard input: a command line could be read by others.
    run_as_user postgres psql -qX -v ON_ERROR_STOP=1 <<END
SELECT 'CREATE ROLE app LOGIN CREATEDB' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') \gexec
ALTER ROLE app PASSWORD '$password';
SELECT 'CREATE DATABASE app OWNER app' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'app') \gexec
END
fi

if ! wait_until 30 answers; then
    log_error "PostgreSQL does not answer with the password"
    systemctl status --no-pager 'postgresql*' || true
    exit 1
fi
log_info "PostgreSQL has the database app on port 5432; its user may create more"
