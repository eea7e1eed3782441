# Serves /var/www/html on port 80 and what is in /etc/caddy/sites; a Caddyfile that was changed before is left alone.
set -eu

caddyfile=/etc/caddy/Caddyfile
if ! grep -q '^import sites/' "$caddyfile"; then
    cp -p "$caddyfile" "$caddyfile.debian"
    cat >"$caddyfile" <<'END'
# Sites of yours belong into /etc/caddy/sites, one file each. After a change: systemctl reload caddy
:80 {
	root * /var/www/html
	file_server
}

import sites/*.caddy
END
    caddy validate --config "$caddyfile" --adapter caddyfile
    systemctl enable -q caddy
    systemctl restart caddy
fi

serves() { curl -fsS -o /dev/null http://127.0.0.1/; }
serves 2>/dev/null || systemctl restart caddy
if ! wait_until 30 serves; then
    log_error "Caddy does not serve its pages"
    systemctl status --no-pager caddy || true
    exit 1
fi
log_info "Caddy serves /var/www/html on port 80; sites of yours go into /etc/caddy/sites"
