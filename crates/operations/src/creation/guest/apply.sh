# Puts the files of a run in place. Safe to repeat: what was done once is not done again.
# Beside it: files/N (content), files/N.path, and files/manifest with "N mode owner policy" per line.
set -eu
run=$(cd "$(dirname "$0")" && pwd)
applied=$run/../applied
# Shared by all attempts: a retry does not place again what is placed, and still has to give it to its owner.
deferred=$run/../deferred
umask 022
mkdir -p "$applied"
aside=
trap '[ -z "$aside" ] || rm -rf "$aside"' EXIT

place() {
    number=$1 mode=$2 owner=$3 policy=$4
    path=$(cat "$run/files/$number.path")
    [ ! -e "$applied/$number" ] || return 0
    # What a link leads to counts: put in place of a link to a directory, a file would land within it.
    if [ -d "$path" ]; then
        echo "cannot put a file at $path: it is a directory in this container" >&2
        return 1
    fi
    if [ -e "$path" ] && [ ! -f "$path" ]; then
        echo "cannot put a file at $path: what is there in this container is no regular file" >&2
        return 1
    fi
    directory=${path%/*} name=${path##*/}
    if [ -e "$path" ] || [ -L "$path" ]; then
        case $policy in
        default)
            echo "kept $path"
            : >"$applied/$number"
            return 0
            ;;
        backup)
            if ! cmp -s "$run/files/$number" "$path"; then
                # A name has room for 255 bytes; a link is kept as a link.
                cp -pP "$path" "$directory/$(printf %s "$name" | cut -b 1-230).$(date +%Y%m%d-%H%M%S).bak"
            fi
            ;;
        esac
    fi
    mkdir -p "$directory/"
    # A folder that only root can look into: nobody plants a link there, and what is copied may be for its owner's eyes only.
    aside=$(mktemp -d "$directory/.berth-new-XXXXXX")
    new=$aside/file
    (umask 077 && cp "$run/files/$number" "$new")
    # An owner that a package will make does not exist yet: run.sh tries again after the packages.
    chown "$owner" "$new" 2>/dev/null || echo "$number $mode $owner" >>"$deferred"
    chmod "$mode" "$new"
    mv -f "$new" "$path"
    rmdir "$aside"
    aside=
    : >"$applied/$number"
    echo "placed $path"
}

while read -r number mode owner policy; do
    place "$number" "$mode" "$owner" "$policy"
done <"$run/files/manifest"
