# What container-templates/NAME/test.bash may use. It runs at the other end of the guest's cable; HOST is the guest.
# shellcheck shell=bash

# credential SERVICE/KEY: what the container saved.
credential() { printf %s "${saved[$1]:?the container saved no $1}"; }

# refuses COMMAND…: whoever has no password gets nothing.
refuses() {
  if "$@" </dev/null; then
    echo "was not refused: $*" >&2
    return 1
  fi
}

# All that it said it would have.
expected() {
  local port
  [ "$(printf '%s\n' "${!saved[@]}" | sort | xargs)" = "$CREDENTIALS" ] || {
    echo "saved: ${!saved[*]}" >&2
    return 1
  }
  for port in $PORTS; do
    timeout 5 bash -c ": </dev/tcp/$HOST/$port" || return
  done
}
