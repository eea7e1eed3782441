# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="3306"
CREDENTIALS="mariadb/DATABASE mariadb/PASSWORD mariadb/PORT mariadb/USER"
ask() {
    # Newer clients want encryption, which Debian 12's server has only with a certificate of yours.
    sql() { MYSQL_PWD=$1 mariadb -BN --skip-ssl -h "$HOST" -u "$2" -e "$3"; }
    password=$(credential mariadb/PASSWORD)
    [ "$(sql "$password" app "CREATE TABLE IF NOT EXISTS app.t (n int); SELECT 6 * 7")" = 42 ]
    refuses sql wrong app "SELECT 1"
    refuses sql "" root "SELECT 1"
}
