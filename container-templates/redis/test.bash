# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="6379"
CREDENTIALS="redis/PASSWORD redis/PORT"
ask() {
    [ "$(REDISCLI_AUTH=$(credential redis/PASSWORD) redis-cli -h "$HOST" SET test 1)" = OK ]
    redis-cli -h "$HOST" GET test | grep NOAUTH
}
