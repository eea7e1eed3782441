#!/bin/sh
[ "$1 $2" = '-n --' ] || exit 64
[ "$LOGIN" = guest ] && { echo 'sudo: a password is required' >&2; exit 1; }
shift 2
exec "$@"
