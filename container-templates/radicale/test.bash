# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="5232"
CREDENTIALS="radicale/PASSWORD radicale/USER"
ask() {
    url=http://$HOST:5232/calendar/
    password=$(credential radicale/PASSWORD)
    curl -fsS -u "calendar:$password" -X PROPFIND "$url" | grep multistatus
    refuses curl -fsS -u calendar:wrong -X PROPFIND "$url"
    refuses curl -fsS -X PROPFIND "$url"
}
