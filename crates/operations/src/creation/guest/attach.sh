# attach.sh UNIT STEP OFFSET: launches the run beside it unless that has happened, and reports it from byte OFFSET of STEP's log on, as frames:
#   K n <n bytes>      values to mask from here on, one per line
#   S step epoch       the step began
#   L step n <n bytes> output of the step
#   E step code epoch  the step ended
#   F                  the run ended
#   X reason           the run was cut off: never-started, gone
run=$(cd "$(dirname "$0")" && pwd)
unit=$1 from=$2 offset=$3
secrets_sent=0

pause() { sleep 0.2 2>/dev/null || sleep 1; }

alive() {
    read -r pid start <"$run/pid" || return 1
    [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$start" ]
}

launch() {
    if command -v systemd-run >/dev/null 2>&1 &&
        systemd-run --quiet --collect --unit="$unit" sh "$run/run.sh" >"$run/launch.log" 2>&1; then
        return
    fi
    setsid sh "$run/run.sh" >/dev/null 2>&1 </dev/null &
}

wait_for_start() {
    tries=0
    while [ ! -e "$run/pid" ] && [ "$tries" -lt "$1" ]; do
        tries=$((tries + 1))
        pause
    done
    [ -e "$run/pid" ]
}

size_of() { if [ -e "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }

# What a script prints it has registered before: the log is measured first, then the values are sent, then the log up to the measure.
report_output() {
    size=$(size_of "$step/log")
    secrets=$(size_of "$run/secrets")
    if [ "$secrets" -gt "$secrets_sent" ]; then
        printf 'K %s\n' "$secrets"
        head -c "$secrets" "$run/secrets"
        secrets_sent=$secrets
    fi
    while [ "$offset" -lt "$size" ]; do
        part=$((size - offset))
        [ "$part" -le 65536 ] || part=65536
        printf 'L %s %s\n' "$number" "$part"
        tail -c "+$((offset + 1))" "$step/log" | head -c "$part"
        offset=$((offset + part))
    done
}

cut_off() {
    echo "X $1"
    exit 0
}

# A launch that left no trace is repeated: run.sh itself sees to it that it runs once.
if [ ! -e "$run/pid" ]; then
    launch
    wait_for_start 75 || cut_off never-started
fi

for step in "$run"/steps/*; do
    [ -d "$step" ] || continue
    number=${step##*/}
    number=$((1$number - 100000))
    [ "$number" -ge "$from" ] || continue
    while [ ! -e "$step/started" ]; do
        if [ -e "$run/finished" ]; then
            echo F
            exit 0
        fi
        alive || [ -e "$step/started" ] || [ -e "$run/finished" ] || cut_off gone
        pause
    done
    printf 'S %s %s\n' "$number" "$(cat "$step/started")"
    while :; do
        ended=
        [ ! -e "$step/exit" ] || ended=yes
        report_output
        [ -z "$ended" ] || break
        alive || [ -e "$step/exit" ] || cut_off gone
        pause
    done
    printf 'E %s %s\n' "$number" "$(cat "$step/exit")"
    offset=0
done
while [ ! -e "$run/finished" ]; do
    alive || [ -e "$run/finished" ] || cut_off gone
    pause
done
echo F
