# Sees to it that nginx serves the pages, and the status to whoever has the password.
set -eu

password=$(ensure_credential nginx STATUS_PASSWORD)
# The password comes by standard input: a command line could be read by others.
serves() {
    curl -fsS -o /dev/null http://127.0.0.1/ &&
        printf 'user = "status:%s"\n' "$password" | curl -fsS -o /dev/null -K - http://127.0.0.1:8080/status
}

systemctl enable -q nginx
serves 2>/dev/null || systemctl restart nginx
if ! wait_until 30 serves; then
    log_error "nginx does not serve its pages"
    systemctl status --no-pager nginx || true
    exit 1
fi
log_info "nginx serves /var/www/html on port 80 and its status on port 8080"
