# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="9090"
CREDENTIALS="prometheus/PASSWORD prometheus/USER"
ask() {
    password=$(credential prometheus/PASSWORD)
    curl -fsS -u "admin:$password" "http://$HOST:9090/api/v1/query?query=up" | grep ',"1"\]'
    refuses curl -fsS -u admin:wrong "http://$HOST:9090/api/v1/query?query=up"
    refuses curl -fsS "http://$HOST:9090/metrics"
    refuses curl -fsS "http://$HOST:9100/metrics"
}
