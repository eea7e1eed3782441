# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="80 8080"
CREDENTIALS="nginx/STATUS_PASSWORD nginx/STATUS_USER"
ask() {
    curl -fsS "http://$HOST/" | grep "It works"
    curl -fsS -u "status:$(credential nginx/STATUS_PASSWORD)" "http://$HOST:8080/status" | grep "Active connections"
    refuses curl -fsS "http://$HOST:8080/status"
}
