# Starts nginx with the configuration that is there, and waits until it serves.
set -eu

systemctl enable nginx
systemctl restart nginx

tries=0
until systemctl is-active --quiet nginx && [ -n "$(ss -Hltn 'sport = :80')" ]; do
    tries=$((tries + 1))
    if [ "$tries" -ge 30 ]; then
        log_error "nginx does not listen on port 80"
        systemctl status --no-pager nginx || true
        exit 1
    fi
    sleep 1
done
log_info "nginx serves /var/www/html on port 80"
