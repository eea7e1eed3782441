# Sourced before every script that runs inside a container. POSIX sh: Alpine has no bash.
# Scripts may use: log_info log_warn log_error, is_installed ensure_installed, run_as_user, wait_for_apt_lock, generate_password,
# save_credential SERVICE KEY VALUE, ensure_credential SERVICE KEY [LENGTH], wait_until SECONDS COMMAND…, and the variables OS, OS_VERSION, PACKAGE_MANAGER, BERTH_CREATION.

if [ -r /etc/os-release ]; then
    OS=$(. /etc/os-release && printf %s "${ID:-linux}")
    OS_VERSION=$(. /etc/os-release && printf %s "${VERSION_ID:-}")
else
    OS=linux
    OS_VERSION=
fi
PACKAGE_MANAGER=
for berth_candidate in apt-get apk dnf pacman; do
    if command -v "$berth_candidate" >/dev/null 2>&1; then
        PACKAGE_MANAGER=${berth_candidate%-get}
        break
    fi
done
export OS OS_VERSION PACKAGE_MANAGER

log_info() { printf '\033[36m[info]\033[0m %s\n' "$*"; }
log_warn() { printf '\033[33m[warn]\033[0m %s\n' "$*"; }
log_error() { printf '\033[31m[error]\033[0m %s\n' "$*"; }

# is_installed NAME: a command of that name, or a package of the system's own manager.
is_installed() {
    command -v "$1" >/dev/null 2>&1 && return 0
    case $PACKAGE_MANAGER in
    apt) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    apk) apk info -e "$1" >/dev/null 2>&1 ;;
    dnf) rpm -q "$1" >/dev/null 2>&1 ;;
    pacman) pacman -Q "$1" >/dev/null 2>&1 ;;
    *) return 1 ;;
    esac
}

# ensure_installed NAME…: installs those packages that are missing.
ensure_installed() {
    berth_missing=
    for berth_package in "$@"; do
        is_installed "$berth_package" || berth_missing="$berth_missing $berth_package"
    done
    [ -n "$berth_missing" ] || return 0
    # Word splitting is wanted: package names have no spaces.
    # shellcheck disable=SC2086
    case $PACKAGE_MANAGER in
    apt)
        wait_for_apt_lock
        apt-get update -q && apt-get install -y -q --no-install-recommends $berth_missing
        ;;
    apk) apk add $berth_missing ;;
    dnf) dnf install -y $berth_missing ;;
    pacman) pacman -Sy --noconfirm --needed $berth_missing ;;
    *)
        log_error "no known package manager to install:$berth_missing"
        return 1
        ;;
    esac
}

# run_as_user USER COMMAND [ARG…]
run_as_user() {
    berth_user=$1
    shift
    if command -v runuser >/dev/null 2>&1; then
        runuser -u "$berth_user" -- "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -n -u "$berth_user" -- "$@"
    else
        # su takes one string: hand the arguments over as positional parameters.
        su -s /bin/sh "$berth_user" -c 'exec "$@"' -- berth "$@"
    fi
}

# Waits up to two minutes while another apt (unattended-upgrades just after the first start) holds dpkg's lock.
wait_for_apt_lock() {
    berth_waited=0
    while command -v fuser >/dev/null 2>&1 &&
        fuser /var/lib/dpkg/lock-frontend /var/lib/apt/lists/lock >/dev/null 2>&1; do
        [ "$berth_waited" -ne 0 ] || log_info "another package manager is at work, waiting for it"
        berth_waited=$((berth_waited + 2))
        if [ "$berth_waited" -ge 120 ]; then
            log_error "another package manager has held its lock for two minutes"
            return 1
        fi
        sleep 2
    done
}

# generate_password [LENGTH]: letters and digits; what it prints is masked in the log from then on.
generate_password() {
    # systemd has services ignore SIGPIPE: there tr complains when head has enough.
    berth_password=$(LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom 2>/dev/null | head -c "${1:-24}")
    berth_mask "$berth_password"
    printf '%s\n' "$berth_password"
}

# save_credential SERVICE KEY VALUE: kept in the container under /etc/berth/credentials, readable by root only;
# the value is masked in the log unless the key ends in USER, NAME, HOST, PORT, URL or DATABASE.
save_credential() {
    case $1$2 in
    *[!A-Za-z0-9._-]*)
        log_error "save_credential: service and key are letters, digits, '.', '_' and '-'"
        return 1
        ;;
    esac
    case $3 in
    *"
"*)
        log_error "save_credential: a value is one line"
        return 1
        ;;
    esac
    # Who and where is no secret, and masking "admin" or "80" would blot out half the log.
    case $2 in
    *USER | *USERNAME | *NAME | *HOST | *PORT | *URL | *DATABASE | *user | *username | *name | *host | *port | *url | *database) ;;
    *) berth_mask "$3" ;;
    esac
    (
        umask 077
        mkdir -p /etc/berth/credentials
        berth_file=/etc/berth/credentials/$1
        # Not as an argument of another program: a command line could be read by others.
        [ ! -e "$berth_file" ] || [ "$(sed -n "s/^$2=//p" "$berth_file")" != "$3" ] || exit 0
        { [ ! -e "$berth_file" ] || grep -v "^$2=" "$berth_file" || true; } >"$berth_file.new"
        printf '%s=%s\n' "$2" "$3" >>"$berth_file.new"
        mv -f "$berth_file.new" "$berth_file"
    )
}

# ensure_credential SERVICE KEY [LENGTH]: prints the credential that is saved; the first time it makes one and saves it.
ensure_credential() {
    berth_value=$(sed -n "s/^$2=//p" "/etc/berth/credentials/$1" 2>/dev/null || true)
    if [ -n "$berth_value" ]; then
        berth_mask "$berth_value"
    else
        berth_value=$(generate_password "${3:-24}")
        save_credential "$1" "$2" "$berth_value" || return
    fi
    printf '%s\n' "$berth_value"
}

# wait_until SECONDS COMMAND [ARG…]: tries the command about once a second until it succeeds; fails when it never does.
wait_until() {
    berth_tries=$1
    shift
    until "$@"; do
        berth_tries=$((berth_tries - 1))
        [ "$berth_tries" -gt 0 ] || return 1
        sleep 1
    done
}

# Values listed here are masked in the log by whoever follows it.
berth_mask() {
    [ -z "${BERTH_RUN:-}" ] || (umask 077 && printf '%s\n' "$1" >>"$BERTH_RUN/secrets")
}
