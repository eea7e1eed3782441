# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="1883"
CREDENTIALS="mosquitto/PASSWORD mosquitto/PORT mosquitto/USER"
ask() {
    login="-h $HOST -u mqtt -P $(credential mosquitto/PASSWORD)"
    # shellcheck disable=SC2086
    mosquitto_pub $login -q 1 -r -t test -m hello
    # shellcheck disable=SC2086
    [ "$(mosquitto_sub $login -C 1 -W 10 -t test)" = hello ]
    refuses mosquitto_pub -h "$HOST" -u mqtt -P wrong -q 1 -t test -m hello
    refuses mosquitto_pub -h "$HOST" -q 1 -t test -m hello
}
