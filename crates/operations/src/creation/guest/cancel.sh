# cancel.sh UNIT: ends the run beside it and everything it started.
run=$(cd "$(dirname "$0")" && pwd)
# A run that has not begun will not begin.
mkdir "$run/started" 2>/dev/null && exit 0
if command -v systemctl >/dev/null 2>&1 && systemctl is-active --quiet "$1" 2>/dev/null; then
    systemctl stop "$1"
    exit 0
fi
read -r pid start <"$run/pid" || exit 0
[ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$start" ] || exit 0
kill -TERM "-$pid" 2>/dev/null || kill -TERM "$pid"
tries=0
while [ -d "/proc/$pid" ] && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.2 2>/dev/null || sleep 1
done
kill -KILL "-$pid" 2>/dev/null || true
