# A password for Prometheus' pages, which Prometheus itself needs too: it also measures itself.
set -eu

password=$(ensure_credential prometheus PASSWORD)
save_credential prometheus USER admin

if [ ! -e /etc/prometheus/web.yml ]; then
    [ -e /etc/prometheus/prometheus.yml.debian ] ||
        cp -p /etc/prometheus/prometheus.yml /etc/prometheus/prometheus.yml.debian
    cat >/etc/prometheus/prometheus.yml <<'END'
# Debian's own, with more examples, is beside this file: prometheus.yml.debian. After a change: systemctl reload prometheus
global:
  scrape_interval: 15s

scrape_configs:
  - job_name: prometheus
    basic_auth:
      username: admin
      password_file: /etc/prometheus/password
    static_configs:
      - targets: ["localhost:9090"]

  # More machines with a node exporter: add them to the list.
  - job_name: node
    static_configs:
      - targets: ["localhost:9100"]
END
    (
        umask 027
        printf '%s' "$password" >/etc/prometheus/password
        printf 'basic_auth_users:\n  admin: "%s"\n' "$(printf '%s' "$password" | htpasswd -niB admin | cut -d: -f2)" \
            >/etc/prometheus/web.yml
    )
    chgrp prometheus /etc/prometheus/password /etc/prometheus/web.yml
    promtool check config /etc/prometheus/prometheus.yml
    systemctl daemon-reload
    systemctl restart prometheus prometheus-node-exporter
fi
systemctl enable -q prometheus prometheus-node-exporter
