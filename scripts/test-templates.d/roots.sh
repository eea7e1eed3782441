# Roots of Debian from the mirror that this machine's apt is configured for. Sourced.
# shellcheck shell=bash disable=SC2016,SC2154

# mirror LABEL: the address of Debian's archive with that label, as this machine's apt has it.
mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' "Label: $1" | sort -u | head -n 1
}

# What this machine tells its own apt about proxies.
proxies() { apt-config dump --format '%f "%v";%n' Acquire | grep -i '::proxy' || true; }

# prepare_root SUITE: makes $cache/SUITE/root, a little less than a stock OS template, unless it is there.
prepare_root() {
  local suite=$1 target=$cache/$1 archive security
  mkdir -p "$target/archives/partial"
  [ ! -e "$target/root/.whole" ] || return 0
  archive=$(mirror Debian)
  security=$(mirror Debian-Security)
  [ -n "$archive" ] || fail "this machine's apt has no Debian mirror" "Run:  apt-get update"
  if [ ! -e "/usr/share/debootstrap/scripts/$suite" ]; then
    say "skipping $suite: debootstrap does not know it"
    return 1
  fi
  say "Making a root of $suite from $archive (once)"
  rm -rf --one-file-system "$target/root"
  if ! debootstrap --include=dbus,libpam-systemd,openssh-server,ca-certificates "$suite" "$target/root" "$archive" \
    >"$cache/logs/debootstrap-$suite.log" 2>&1; then
    say "skipping $suite: debootstrap failed, see $cache/logs/debootstrap-$suite.log"
    return 1
  fi
  {
    echo "deb $archive $suite main"
    [ -z "$security" ] || echo "deb $security $suite-security main"
  } >"$target/root/etc/apt/sources.list"
  proxies >"$target/root/etc/apt/apt.conf.d/01proxy"
  # Throwaway roots need not survive a power cut.
  echo force-unsafe-io >"$target/root/etc/dpkg/dpkg.cfg.d/unsafe"
  chroot "$target/root" apt-get update -q >>"$cache/logs/debootstrap-$suite.log" 2>&1 || return
  chroot "$target/root" apt-get clean
  : >"$target/root/.whole"
}

# prepare_clients SUITE: the programs that ask from outside, in a root of their own.
prepare_clients() {
  clients=$cache/clients
  local wanted="curl postgresql-client mariadb-client redis-tools smbclient mosquitto-clients sshpass bind9-dnsutils"
  [ "$(cat "$clients/.whole" 2>/dev/null)" = "$wanted" ] || make_clients "$1" "$wanted"
  mount --rbind /dev "$clients/dev"
  mount -t proc proc "$clients/proc"
}

make_clients() {
  local wanted=$2
  say "Making a root of clients (once)"
  rm -rf --one-file-system "$clients"
  cp -a --reflink=auto "$cache/$1/root" "$clients"
  printf '#!/bin/sh\nexit 101\n' >"$clients/usr/sbin/policy-rc.d"
  chmod 755 "$clients/usr/sbin/policy-rc.d"
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive chroot "$clients" apt-get install -y --no-install-recommends $wanted \
    >"$cache/logs/clients.log" 2>&1 || fail "the clients could not be installed: see $cache/logs/clients.log"
  chroot "$clients" apt-get clean
  echo "$wanted" >"$clients/.whole"
}
