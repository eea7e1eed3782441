# Syncthing runs as a user of its own, who owns what is synchronised.
set -eu

if ! id syncthing >/dev/null 2>&1; then
    useradd --system --create-home --home-dir /var/lib/syncthing --shell /usr/sbin/nologin syncthing
    chmod 700 /var/lib/syncthing
fi

password=$(ensure_credential syncthing PASSWORD)
save_credential syncthing USER admin

# The password is set before it listens for the first time, and comes by standard input: a command line could be read by others.
if [ ! -e /var/lib/syncthing/.password-set ]; then
    printf '%s\n' "$password" | run_as_user syncthing env HOME=/var/lib/syncthing \
        syncthing generate --gui-user=admin --gui-password=-
    touch /var/lib/syncthing/.password-set
fi
