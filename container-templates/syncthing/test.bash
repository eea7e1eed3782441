# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="8384 22000"
CREDENTIALS="syncthing/PASSWORD syncthing/USER"
ask() {
    # Its API wants a token, too, which the first page hands out as a cookie.
    version() {
        curl -fsS -o /dev/null -c /tmp/jar -u "admin:$1" "http://$HOST:8384/" || return
        token=$(awk '$6 ~ /^CSRF-Token/ { print "X-" $6 ": " $7 }' /tmp/jar)
        curl -fsS -b /tmp/jar -u "admin:$1" -H "$token" "http://$HOST:8384/rest/system/version"
    }
    version "$(credential syncthing/PASSWORD)" | grep longVersion
    refuses version wrong
}
