# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="8384 22000"
CREDENTIALS="syncthing/PASSWORD syncthing/USER"
ask() {
    curl -fsS -u "admin:$(credential syncthing/PASSWORD)" "http://$HOST:8384/rest/system/version" | grep longVersion
    refuses curl -fsS -u admin:wrong "http://$HOST:8384/rest/system/version"
    refuses curl -fsS "http://$HOST:8384/rest/system/version"
}
