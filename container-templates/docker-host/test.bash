# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS=""
CREDENTIALS=""
ask() {
    refuses curl -fsS "http://$HOST:2375/version"
}
