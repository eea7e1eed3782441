#!/bin/sh
# What pct says and with which code it ends, as recorded on Proxmox VE 9.2. Container 101 runs, 104 is stopped, 105 comes up late.
echo "$*" >>"$DOUBLES/pct.log"
case $1 in
list)
    printf 'VMID       Status     Lock         Name                \n'
    printf '101        running                 ct101               \n'
    printf '104        stopped    backup       x                   \n'
    exit 0 ;;
esac
case $2 in
999) echo "Configuration file 'nodes/pve/lxc/999.conf' does not exist" >&2; exit 2 ;;
esac
case $1 in
status) echo 'status: running' ;;
set)
    case "$*" in
    *lots*) printf '400 Parameter verification failed.\nmemory: type check (%sinteger%s) failed - got %slots%s\npct set <vmid> [OPTIONS]\n' "'" "'" "'" "'" >&2; exit 255 ;;
    *locked*) echo 'CT is locked (backup)' >&2; exit 255 ;;
    esac ;;
exec)
    [ "$2" = 104 ] && { echo "container '104' not running!" >&2; exit 255; }
    if [ "$2" = 105 ] && [ "$(grep -c '^exec 105' "$DOUBLES/pct.log")" -lt 3 ]; then
        echo 'lxc-attach: 105: ../src/lxc/attach.c: get_attach_context: 406 Connection refused - Failed to get init pid' >&2
        exit 1
    fi
    [ "$3 $4 $5" = '--keep-env 0 --' ] || { echo 'not the way pct is to be called' >&2; exit 64; }
    [ "$2" = 106 ] && { shift 5; "$@" & wait; exit 255; }
    shift 5
    exec "$@" ;;
esac
