# Sees to it that dnsmasq answers. Names of your own go into /etc/dnsmasq.hosts.
set -eu

answers() { [ "$(dig +short +time=2 +tries=1 localhost @127.0.0.1)" = 127.0.0.1 ]; }

systemctl enable -q dnsmasq
answers || systemctl restart dnsmasq
if ! wait_until 30 answers; then
    log_error "dnsmasq does not answer"
    systemctl status --no-pager dnsmasq || true
    exit 1
fi
log_info "dnsmasq answers on port 53; names of your own go into /etc/dnsmasq.hosts"
