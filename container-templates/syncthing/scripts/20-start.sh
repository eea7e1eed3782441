# Starts Syncthing and asks it, with the password and without.
set -eu

password=$(ensure_credential syncthing PASSWORD)
answers() { curl -fsS -o /dev/null -u "admin:$password" http://127.0.0.1:8384/rest/system/version; }

systemctl daemon-reload
systemctl enable -q syncthing@syncthing
systemctl start syncthing@syncthing
if ! wait_until 60 answers; then
    log_error "Syncthing's web page does not answer with the password"
    systemctl status --no-pager syncthing@syncthing || true
    exit 1
fi
if curl -fsS -o /dev/null http://127.0.0.1:8384/rest/system/version 2>/dev/null; then
    log_error "Syncthing's web page answers without the password"
    exit 1
fi
log_info "Syncthing's web page is on port 8384, user admin"
