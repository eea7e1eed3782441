# Puts the files of a run in place. Safe to repeat: what was done once is not done again.
# Beside it: files/N (content), files/N.path, and files/manifest with "N mode owner policy" per line.
set -eu
run=$(cd "$(dirname "$0")" && pwd)
applied=$run/../applied
# Shared by all attempts: a retry does not place again what is placed, and still has to give it to its owner.
deferred=$run/../deferred
umask 022
mkdir -p "$applied"

place() {
    number=$1 mode=$2 owner=$3 policy=$4
    path=$(cat "$run/files/$number.path")
    [ ! -e "$applied/$number" ] || return 0
    if [ -d "$path" ]; then
        echo "cannot put a file at $path: it is a directory in this container" >&2
        return 1
    fi
    if [ -e "$path" ] || [ -L "$path" ]; then
        case $policy in
        default)
            echo "kept $path"
            : >"$applied/$number"
            return 0
            ;;
        backup)
            if ! cmp -s "$run/files/$number" "$path"; then
                cp -p "$path" "$path.$(date +%Y%m%d-%H%M%S).bak"
            fi
            ;;
        esac
    fi
    mkdir -p "$(dirname "$path")"
    new=$path.berth-new
    # What stands there may be anybody's link, and what is copied may be for its owner's eyes only.
    rm -f "$new"
    (umask 077 && cp "$run/files/$number" "$new")
    # An owner that a package will make does not exist yet: run.sh tries again after the packages.
    chown "$owner" "$new" 2>/dev/null || echo "$number $mode $owner" >>"$deferred"
    chmod "$mode" "$new"
    mv -f "$new" "$path"
    : >"$applied/$number"
    echo "placed $path"
}

while read -r number mode owner policy; do
    place "$number" "$mode" "$owner" "$policy"
done <"$run/files/manifest"
