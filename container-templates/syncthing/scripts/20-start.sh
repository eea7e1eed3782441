# Starts Syncthing and asks it, with the password and with another.
set -eu

password=$(ensure_credential syncthing PASSWORD)
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT

# asks PASSWORD ARG…: the password comes by standard input: a command line could be read by others.
asks() {
    login=$1
    shift
    printf 'user = "admin:%s"\n' "$login" | curl -fsS -o /dev/null -K - "$@"
}

# answers PASSWORD: its API wants a token, too, which the first page hands out as a cookie.
answers() {
    asks "$1" -c "$jar" http://127.0.0.1:8384/ || return
    token=$(awk '$6 ~ /^CSRF-Token/ { print "X-" $6 ": " $7 }' "$jar")
    asks "$1" -b "$jar" -H "$token" http://127.0.0.1:8384/rest/system/version
}

systemctl daemon-reload
systemctl enable -q syncthing@syncthing
systemctl start syncthing@syncthing
if ! wait_until 60 answers "$password"; then
    log_error "Syncthing's web page does not answer with the password"
    systemctl status --no-pager syncthing@syncthing || true
    exit 1
fi
if answers "not-$password" 2>/dev/null; then
    log_error "Syncthing's web page answers without the password"
    exit 1
fi
log_info "Syncthing's web page is on port 8384, user admin"
