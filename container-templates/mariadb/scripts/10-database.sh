# A database "app" and its user "app", who may come from the network with a password.
set -eu

password=$(ensure_credential mariadb PASSWORD)
save_credential mariadb USER app
save_credential mariadb DATABASE app
save_credential mariadb PORT 3306

answers() {
    [ "$(MYSQL_PWD=$password mariadb -BN --protocol=tcp -h 127.0.0.1 -u app app -e 'SELECT 6 * 7')" = 42 ]
}

systemctl enable -q mariadb
systemctl start mariadb
if ! answers 2>/dev/null; then
    # The password goes through standard input: a command line could be read by others.
    mariadb <<END
CREATE DATABASE IF NOT EXISTS app;
CREATE USER IF NOT EXISTS 'app'@'%';
ALTER USER 'app'@'%' IDENTIFIED BY '$password';
GRANT ALL ON app.* TO 'app'@'%';
END
fi

if ! wait_until 30 answers; then
    log_error "MariaDB does not answer with the password"
    systemctl status --no-pager mariadb || true
    exit 1
fi
log_info "MariaDB has the database app on port 3306"
