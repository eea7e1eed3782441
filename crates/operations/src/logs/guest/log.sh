# log.sh MODE KIND NAME SOURCE FROM LINES: tells a log of this container on standard output.
#   MODE    page: its last lines; follow: what comes after FROM, for as long as standard input shows that somebody listens; download: all of it
#   KIND    systemd, openrc, docker or process, and NAME says which; or system, for the log of the system as a whole
#   SOURCE  where from: one of those that are told, or empty for the first of them
#   FROM    to follow: start, now, or where somebody has stopped: a cursor of the journal, a timestamp of Docker, INODE:BYTE of a file;
#           for a page: of a file so many of the last bytes
# First a header: "@ source PLACE" for each log there is, "@ from PLACE", and what follows it: "@ journal", "@ docker", "@ file", or "@ tagged" for
# a file with the lines of other services in it; or "@ none", or "@ gone" where there is no such source. Then the log; that of a file, unless all of it is wanted, in parts:
# "@ part INODE BEGIN LENGTH BYTE" and LENGTH bytes of it from BEGIN on, of which those before BYTE have been told before.
mode=$1 kind=$2 name=$3 wanted=$4 from=$5 lines=$6
found='' format=''

offer() {
    printf '@ source %s\n' "$1"
    if [ -z "$found" ] && { [ -z "$wanted" ] || [ "$wanted" = "$1" ]; }; then
        found=$1 format=$2
    fi
}

# Files that are the service's by their name; those with errors first.
offer_files() {
    case $name in
    '' | .* | */*) return ;;
    esac
    stem=${name%%@*}
    for folder in "$stem" "${stem%-server}"; do
        for file in "/var/log/$folder.log" "/var/log/$folder"/*.log; do
            case ${file##*/} in
            *err*) is=errors ;;
            *) is=rest ;;
            esac
            [ "$is" != "$1" ] || [ ! -f "$file" ] || offer "$file" file
        done
        [ "$folder" != "${stem%-server}" ] || break
    done
}

offer_system() {
    for file in /var/log/messages /var/log/syslog; do
        [ ! -f "$file" ] || offer "$file" "$1"
    done
}

has_journal() { command -v journalctl >/dev/null 2>&1; }

case $kind in
docker) offer docker docker ;;
system) if has_journal; then offer journal journal; else offer_system file; fi ;;
*)
    [ "$kind" = openrc ] || ! has_journal || offer journal journal
    offer_files errors
    offer_files rest
    [ "$kind" = systemd ] || has_journal || offer_system tagged
    ;;
esac
if [ -z "$found" ]; then
    if [ -z "$wanted" ]; then echo '@ none'; else echo '@ gone'; fi
    exit 0
fi
printf '@ from %s\n@ %s\n' "$found" "$format"

# Runs something until it ends or nobody listens any more: then standard input ends, or the sign of life on it fails to come. Whoever is cut off
# does not end what runs in here.
listened() {
    exec 3<&0
    "$@" </dev/null 3<&- &
    child=$!
    {
        while [ -n "$(patiently dd bs=64 count=1 <&3 2>/dev/null)" ]; do :; done
        kill "$child"
    } >/dev/null 2>&1 &
    watcher=$!
    wait "$child"
    code=$?
    kill "$watcher" 2>/dev/null
    return "$code"
}
if command -v timeout >/dev/null 2>&1; then
    patiently() { timeout 60 "$@"; }
else
    patiently() { "$@"; }
fi

journal() {
    case $kind in
    systemd) set -- --unit="$name.service" ;;
    process) set -- "_COMM=$name" ;;
    *) set -- ;;
    esac
    if [ "$mode" = download ]; then
        listened journalctl --quiet --no-pager --output=short-iso "$@"
        return
    fi
    set -- --quiet --no-pager --all --output=json --output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER "$@"
    case $mode:$from in
    page:*) journalctl --lines="$lines" "$@" ;;
    follow:start) listened journalctl --follow --no-tail "$@" ;;
    follow:now) listened journalctl --follow --lines=0 "$@" ;;
    follow:*) listened journalctl --follow --no-tail --after-cursor="$from" "$@" ;;
    esac
}

of_docker() {
    case $mode:$from in
    page:*) docker logs --timestamps --tail "$lines" -- "$name" ;;
    download:*) listened docker logs --timestamps -- "$name" ;;
    follow:start) listened docker logs --timestamps --follow -- "$name" ;;
    follow:now) listened docker logs --timestamps --follow --tail 0 -- "$name" ;;
    follow:*) listened docker logs --timestamps --follow --since "$from" -- "$name" ;;
    esac
}

block=4096 blocks=256

# Opens a file as 4, and it stays that one when another takes its name.
open_file() {
    exec 4<"$1"
    measure
}

measure() {
    measured=$(stat -L -c '%i %s' /proc/self/fd/4)
    inode=${measured% *} size=${measured#* }
}

# One part, from byte on.
tell() {
    begin=$((byte / block * block))
    length=$((size - begin))
    [ "$length" -le $((blocks * block)) ] || length=$((blocks * block))
    printf '@ part %s %s %s %s\n' "$inode" "$begin" "$length" "$byte"
    dd if=/proc/self/fd/4 bs="$block" skip=$((begin / block)) count="$blocks" 2>/dev/null | head -c "$length"
    byte=$((begin + length))
}

follow_file() {
    while :; do
        measure
        # It was emptied.
        [ "$size" -ge "$byte" ] || byte=0
        if [ "$size" -gt "$byte" ]; then
            tell
            [ "$byte" -ge "$size" ] || continue
        else
            current=$(stat -L -c %i -- "$found" 2>/dev/null)
            if [ -n "$current" ] && [ "$current" != "$inode" ] && [ -r "$found" ]; then
                open_file "$found"
                byte=0
                continue
            fi
        fi
        sleep 0.3 2>/dev/null || sleep 1
    done
}

of_file() {
    if [ "$mode" = download ]; then
        listened cat -- "$found"
        return
    fi
    open_file "$found"
    if [ "$mode" = page ]; then
        byte=0
        [ "$size" -le "$from" ] || byte=$((size - from))
        tell
        while [ "$byte" -lt "$size" ]; do tell; done
        return
    fi
    case $from in
    start) byte=0 ;;
    now) byte=$size ;;
    *)
        byte=${from#*:}
        if [ "${from%%:*}" != "$inode" ]; then
            # Put aside since then. What came last is still in there.
            if [ "$(stat -L -c %i -- "$found.1" 2>/dev/null)" = "${from%%:*}" ]; then
                open_file "$found.1"
            else
                byte=0
            fi
        fi
        ;;
    esac
    listened follow_file
}

case $format in
journal) journal ;;
# What Docker complains about is what its log says.
docker) of_docker 2>&1 || [ "$mode" = page ] ;;
*) of_file ;;
esac
