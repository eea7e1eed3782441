# Starts Syncthing and asks it, with the password and with another.
set -eu

password=$(ensure_credential syncthing PASSWORD)
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT

# answers PASSWORD: its API wants a token, too, which the first page hands out as a cookie.
answers() {
    curl -fsS -o /dev/null -c "$jar" -u "admin:$1" http://127.0.0.1:8384/ || return
    token=$(awk '$6 ~ /^CSRF-Token/ { print "X-" $6 ": " $7 }' "$jar")
    curl -fsS -o /dev/null -b "$jar" -u "admin:$1" -H "$token" http://127.0.0.1:8384/rest/system/version
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
