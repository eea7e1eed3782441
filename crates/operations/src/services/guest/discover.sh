# Tells what runs in the container, in sections that start with "== name". One call, whatever is found.
section() { printf '== %s\n' "$1"; }
section addresses
ip -o addr show scope global 2>/dev/null | awk '$3 == "inet" || $3 == "inet6" { split($4, a, "/"); print $3, a[1] }'
section sockets
if command -v ss >/dev/null 2>&1; then
    ss -H -tlnp 2>/dev/null
else
    # Alpine's busybox has only this; told as ss would.
    netstat -tlnp 2>/dev/null | awk '$6 == "LISTEN" {
        split($7, process, "/"); sub(/:.*/, "", process[2])
        printf "LISTEN 0 0 %s %s users:((\"%s\",pid=%s,fd=0))\n", $4, $5, process[2], process[1]
    }'
fi
if command -v systemctl >/dev/null 2>&1; then
    section units
    systemctl list-units --type=service --all --no-pager --no-legend --plain 2>/dev/null </dev/null
    section unit-files
    systemctl list-unit-files --type=service --state=enabled --no-pager --no-legend 2>/dev/null </dev/null
    section pids
    systemctl show --property=Id,MainPID,ControlGroup '*.service' --state=running --no-pager 2>/dev/null </dev/null
elif command -v rc-status >/dev/null 2>&1; then
    section openrc
    rc-status --all --nocolor 2>/dev/null </dev/null || rc-status -a 2>/dev/null </dev/null
fi
section cgroups
for cgroup in /proc/[0-9]*/cgroup; do
    pid=${cgroup#/proc/}
    printf '%s %s\n' "${pid%/cgroup}" "$(head -n 1 "$cgroup" 2>/dev/null)"
done
if command -v docker >/dev/null 2>&1; then
    section docker
    docker ps --all --no-trunc --format '{{.Names}}\t{{.Image}}\t{{.State}}\t{{.Ports}}' 2>/dev/null </dev/null
fi
section credentials
for file in /etc/berth/credentials/*; do
    [ -f "$file" ] && sed -n "s|^\([^=]*\)=.*|${file##*/} \1|p" "$file"
done
section end
