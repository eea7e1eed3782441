# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="5432"
CREDENTIALS="postgresql/DATABASE postgresql/PASSWORD postgresql/PORT postgresql/USER"
ask() {
    sql() { PGPASSWORD=$1 psql -qtAXw -h "$HOST" -U "$2" -d app -c "$3"; }
    password=$(credential postgresql/PASSWORD)
    [ "$(sql "$password" app "CREATE TABLE IF NOT EXISTS t (n int); SELECT 6 * 7")" = 42 ]
    refuses sql wrong app "SELECT 1"
    refuses sql "" postgres "SELECT 1"
}
