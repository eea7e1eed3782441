# Runs the steps of a run in order, detached from whoever asked for it, and stops at the first that fails.
# Leaves in each step's folder: started (epoch), log (output), exit ("code epoch"); in its own: pid, finished.
run=$(cd "$(dirname "$0")" && pwd)
umask 077
# However often it is launched, it runs once.
mkdir "$run/started" 2>/dev/null || exit 0
start=$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)
echo "$$ $start" >"$run/pid.new" && mv "$run/pid.new" "$run/pid"

export BERTH_RUN=$run
export HOME=/root USER=root LOGNAME=root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
shell=sh
! command -v bash >/dev/null 2>&1 || shell=bash
cd /

deferred=$run/../deferred
own_deferred_files() {
    [ -s "$deferred" ] || return 0
    while read -r number mode owner; do
        path=$(cat "$run/files/$number.path")
        # What runs by now may have put a link in its place, to a file that is not its own.
        if [ -L "$path" ]; then
            echo "$path is a link by now: its owner stays as it is"
        elif chown -h "$owner" "$path" 2>/dev/null; then
            chmod "$mode" "$path"
        else
            echo "$path stays with root: there is no $owner in this container"
            echo "$number $mode $owner" >&3
        fi
    done <"$deferred" 3>"$deferred.new"
    mv "$deferred.new" "$deferred"
}

for step in "$run"/steps/*; do
    [ -d "$step" ] || continue
    date +%s >"$step/started.new" && mv "$step/started.new" "$step/started"
    (
        umask 022
        # What is installed may still bring the owner that a file waits for: too early to complain.
        if [ -e "$step/packages" ]; then own_deferred_files >/dev/null; else own_deferred_files; fi
        exec "$shell" "$run/step.sh" "$step/script"
    ) >"$step/log" 2>&1 </dev/null
    code=$?
    echo "$code $(date +%s)" >"$step/exit.new" && mv "$step/exit.new" "$step/exit"
    [ "$code" -eq 0 ] || break
done
own_deferred_files >>"$run/deferred.log" 2>&1
: >"$run/finished"
