# Asks Prometheus, with the password, whether it has measured this container.
set -eu

password=$(ensure_credential prometheus PASSWORD)
# The password comes by standard input: a command line could be read by others.
ask() { printf 'user = "admin:%s"\n' "$password" | curl -fsS -K - "http://127.0.0.1:9090$1"; }
answers() { ask /-/ready >/dev/null; }
measures() { ask '/api/v1/query?query=up%7Bjob=%22node%22%7D' | grep -q ',"1"\]'; }

answers 2>/dev/null || systemctl restart prometheus
if ! wait_until 60 answers || ! wait_until 60 measures; then
    log_error "Prometheus does not answer, or does not reach the node exporter"
    systemctl status --no-pager prometheus prometheus-node-exporter || true
    exit 1
fi
if curl -fsS -o /dev/null http://127.0.0.1:9090/-/ready 2>/dev/null; then
    log_error "Prometheus answers without the password: see /etc/prometheus/web.yml"
    exit 1
fi
log_info "Prometheus measures this container and answers on port 9090, user admin"
