# probe.sh EXPECTS_ADDRESS: waits until the container's init has come up and, if one is expected, until it has an address; then tells what it is,
# as key=value lines.
if [ -d /run/systemd/system ] || command -v systemctl >/dev/null 2>&1; then
    init=systemd
    state=$(timeout 90 systemctl is-system-running --wait 2>/dev/null </dev/null)
elif command -v rc-status >/dev/null 2>&1; then
    init=openrc
    tries=0
    while [ ! -e /run/openrc/softlevel ] && [ "$tries" -lt 60 ]; do
        tries=$((tries + 1))
        sleep 1
    done
    state=$(cat /run/openrc/softlevel 2>/dev/null || echo starting)
else
    init=other
    state=running
fi
addresses() {
    ip -o addr show scope global 2>/dev/null | awk '$3 == "inet" || $3 == "inet6" { split($4, a, "/"); print $3 "=" a[1] }'
}
found=$(addresses)
tries=0
while [ "$1" = 1 ] && [ -z "$found" ] && [ "$tries" -lt 30 ]; do
    tries=$((tries + 1))
    sleep 1
    found=$(addresses)
done
printf 'init=%s\nstate=%s\n' "$init" "${state:-unknown}"
[ ! -r /etc/os-release ] || (. /etc/os-release && printf 'os=%s\n' "${PRETTY_NAME:-${NAME:-$ID}}")
for manager in apt-get apk dnf pacman; do
    ! command -v "$manager" >/dev/null 2>&1 || printf 'manager=%s\n' "${manager%-get}"
done
printf '%s\n' "$found"
