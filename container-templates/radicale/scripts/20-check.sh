# Asks for the user's calendars, with the password and without.
set -eu

password=$(ensure_credential radicale PASSWORD)
answers() { curl -fsS -o /dev/null -u "calendar:$password" -X PROPFIND http://127.0.0.1:5232/calendar/; }

systemctl enable -q radicale
answers 2>/dev/null || systemctl restart radicale
if ! wait_until 30 answers; then
    log_error "Radicale does not answer with the password"
    systemctl status --no-pager radicale || true
    exit 1
fi
if curl -fsS -o /dev/null -X PROPFIND http://127.0.0.1:5232/calendar/ 2>/dev/null; then
    log_error "Radicale answers without the password: see /etc/radicale/config"
    exit 1
fi
log_info "Radicale answers on port 5232, user calendar"
