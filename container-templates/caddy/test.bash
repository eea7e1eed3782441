# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="80"
CREDENTIALS=""
ask() {
    curl -fsS "http://$HOST/" | grep "It works"
    # Caddy's administration is for the container itself.
    refuses curl -fsS "http://$HOST:2019/config/"
}
