# Sends a message and reads one, with the password; without it the broker must refuse.
set -eu

password=$(ensure_credential mosquitto PASSWORD)
# The password comes from a file: a command line could be read by others.
options=$(mktemp -d)
trap 'rm -rf "$options"' EXIT
for client in mosquitto_pub mosquitto_sub; do
    printf -- '-P %s\n' "$password" >"$options/$client"
done
answers() {
    XDG_CONFIG_HOME=$options mosquitto_pub -h 127.0.0.1 -u mqtt -q 1 -t berth/check -m hello &&
        XDG_CONFIG_HOME=$options mosquitto_sub -h 127.0.0.1 -u mqtt -C 1 -W 5 -t '$SYS/broker/version'
}

answers >/dev/null 2>&1 || systemctl restart mosquitto
if ! wait_until 30 answers; then
    log_error "the broker does not take messages with the password"
    systemctl status --no-pager mosquitto || true
    exit 1
fi
if mosquitto_pub -h 127.0.0.1 -q 1 -t berth/check -m hello >/dev/null 2>&1; then
    log_error "the broker takes messages from anybody: see /etc/mosquitto"
    exit 1
fi
log_info "Mosquitto listens on port 1883, user mqtt"
