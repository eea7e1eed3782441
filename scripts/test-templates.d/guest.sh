# One container template in one booted root. Sourced.
# shellcheck shell=bash disable=SC2154

# Both ends of the cable between a guest and who asks it; addresses for documentation, in namespaces of their own.
guest_address=192.0.2.2 asker_address=192.0.2.1

# in_guest COMMAND…: as a worker's `pct exec` does.
in_guest() { nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup --wd=/ -- "$@"; }

# network_of PID: a command's prefix to be in its network.
on_network_of() { local pid=$1 && shift && nsenter --target "$pid" --net -- "$@"; }

# networks: two, joined by a cable; the guest's can reach the mirror through slirp4netns, and nobody can reach it.
make_networks() {
  unshare --net sleep infinity &
  guest_net=$!
  unshare --net sleep infinity &
  asker_net=$!
  # Until both have left this network.
  local pid
  for pid in "$guest_net" "$asker_net"; do
    until [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
  done
  on_network_of "$guest_net" ip link set lo up
  on_network_of "$asker_net" ip link set lo up
  on_network_of "$guest_net" ip link add eth0 type veth peer name eth0 netns "$asker_net"
  on_network_of "$guest_net" ip address add "$guest_address/24" dev eth0
  on_network_of "$asker_net" ip address add "$asker_address/24" dev eth0
  on_network_of "$guest_net" ip link set eth0 up
  on_network_of "$asker_net" ip link set eth0 up
  slirp4netns --configure --mtu=65520 --disable-host-loopback "$guest_net" tap0 >"$place/slirp.log" 2>&1 &
  slirp=$!
  until on_network_of "$guest_net" ip route 2>/dev/null | grep -q '^default'; do
    kill -0 "$slirp" || return 1
    sleep 0.1
  done
}

# boot: an overlay over the suite's root, and systemd in it.
boot() {
  mkdir -p "$place/upper" "$place/overlay" "$place/root"
  mount -t overlay overlay -o "lowerdir=$cache/$suite/root,upperdir=$place/upper,workdir=$place/overlay" "$place/root"
  echo "$name" >"$place/root/etc/hostname"
  printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n' "$name" >"$place/root/etc/hosts"
  echo 'nameserver 10.0.2.3' >"$place/root/etc/resolv.conf"
  local unit=(--register=no)
  [ -d /run/systemd/system ] || unit+=(--keep-unit)
  # What Proxmox's features nesting and keyctl allow.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 systemd-nspawn --quiet --boot "${unit[@]}" \
    --directory="$place/root" --machine="berth-$suite-$name" --network-namespace-path="/proc/$guest_net/ns/net" \
    --resolv-conf=off --timezone=off --capability=all --system-call-filter='add_key keyctl bpf' \
    --bind="$cache/$suite/archives:/var/cache/apt/archives" --console=pipe </dev/null >"$place/console.log" 2>&1 &
  nspawn=$!
  init=
  local tries=0
  until [ -n "$init" ] && in_guest systemctl is-system-running --wait 2>/dev/null | grep -Eq 'running|degraded'; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$nspawn" 2>/dev/null; then
      cat "$place/console.log"
      return 1
    fi
    sleep 0.2
    init=$(awk '{ print $1 }' "/proc/$nspawn/task/$nspawn/children" 2>/dev/null || true)
  done
}

# apply NUMBER: what a worker does in the phases deploying and syncing.
apply() {
  local directory=/var/lib/berth/runs/test-$1/0 step code
  in_guest sh -c "$(cat "$work/bundles/unpack.sh")" sh "$directory" <"$work/bundles/$name.tar" || return
  in_guest sh "$directory/attach.sh" "berth-test-$1" 0 0 >"$place/frames"
  for step in "$place/root$directory/steps"/*; do
    [ -e "$step/log" ] && cat "$step/log"
    read -r code _ <"$step/exit" || return
    [ "$code" -eq 0 ] || return 1
  done
}

# state: all that a person would call changed: files with mode and owner, and which services run since when.
state() {
  local known='etc srv home root opt usr/local var/www'
  # Not every container has all of them.
  # shellcheck disable=SC2086
  (cd "$place/root" && { find $known -printf '%y %m %U:%G %l %p\n' 2>/dev/null || true; } | sort -k5 &&
    { find $known -type f -print0 2>/dev/null || true; } | sort -z | xargs -0 sha256sum)
  local units
  mapfile -t units < <(awk '{ print $1 ".service" }' "$place/services")
  in_guest systemctl show --property=Id,InvocationID "${units[@]}"
}

# discover: what Berth would show of it.
discover() {
  in_guest sh -c "$(cat "$work/bundles/discover.sh")" | "$rehearsal" services >"$place/services"
  cat "$place/services"
}

# ask: the container template's own questions, with the clients' programs, over the cable.
ask() {
  {
    echo "set -euo pipefail; HOST=$guest_address; declare -A saved"
    # What the container has saved is text, whatever stands in it.
    local file key value
    for file in "$place/root/etc/berth/credentials"/*; do
      [ -f "$file" ] || continue
      while IFS='=' read -r key value; do
        printf 'saved[%q]=%q\n' "${file##*/}/$key" "$value"
      done <"$file"
    done
    cat "$root/scripts/test-templates.d/asking.sh" "$root/container-templates/$name/test.bash"
    echo 'set -x; expected; ask'
  } >"$place/asking"
  on_network_of "$asker_net" chroot "$clients" bash -s <"$place/asking"
}

# expected_ports: each port that it is expected to have, on a service that Berth finds.
expected_ports() {
  local ports port
  ports=$(sed -n 's/^PORTS="\(.*\)"$/\1/p' "$root/container-templates/$name/test.bash")
  for port in $ports; do
    awk '{ print $3 }' "$place/services" | tr , '\n' | grep -qx "$port" ||
      [ "$port" = 22 ] || { echo "no service of port $port" && return 1; }
  done
}

# stages: all of it, in order; what fails last is in $place/stage.
stages() {
  set -e
  local began
  stage() { echo "$1" >"$place/stage" && echo "== $1"; }
  stage "making networks" && make_networks
  stage "booting" && boot
  began=$SECONDS
  stage "first run" && apply 1
  echo $((SECONDS - began)) >"$place/first"
  stage "discovery" && discover && expected_ports
  stage "asking" && ask
  stage "looking at its state" && state >"$place/before"
  began=$SECONDS
  stage "second run" && apply 2
  echo $((SECONDS - began)) >"$place/second"
  state >"$place/after"
  stage "nothing changed" && diff "$place/before" "$place/after"
  stage "asking again" && ask
  stage ok
}

# tear_down: with its first process all of a guest ends.
tear_down() {
  local pid
  for pid in $init $nspawn $slirp $guest_net $asker_net; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

# test_template SUITE NAME: one line of results.
test_template() {
  local suite=$1 name=$2 place=$work/$1-$2 guest_net='' asker_net='' slirp='' nspawn='' init='' log=$cache/logs/$1-$2.log result remarks=
  mkdir "$place"
  (
    trap tear_down EXIT
    stages
  ) >"$log" 2>&1 &
  wait $! || true
  umount "$place/root" 2>/dev/null || true
  result=$(cat "$place/stage" 2>/dev/null)
  [ "$result" = ok ] || { remarks="while $result: $log" && result=FAILED; }
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$suite" "$result" "$(cat "$place/first" 2>/dev/null)" "$(cat "$place/second" 2>/dev/null)" "$remarks" >>"$work/results"
  say "$suite $name: $result $remarks"
  rm -rf --one-file-system "$place"
}
