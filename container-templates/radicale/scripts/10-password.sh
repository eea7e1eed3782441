# Opens Radicale to the network, for users with a password.
set -eu

password=$(ensure_credential radicale PASSWORD)
save_credential radicale USER calendar

if [ ! -e /etc/radicale/users ]; then
    [ -e /etc/radicale/config.debian ] || cp -p /etc/radicale/config /etc/radicale/config.debian
    cat >/etc/radicale/config <<'END'
# Debian's own, with all settings explained, is beside this file: config.debian. After a change: systemctl restart radicale
[server]
hosts = 0.0.0.0:5232

# More users: htpasswd -B /etc/radicale/users NAME
[auth]
type = htpasswd
htpasswd_filename = /etc/radicale/users
htpasswd_encryption = bcrypt

[storage]
filesystem_folder = /var/lib/radicale/collections
END
    (
        umask 027
        printf '%s' "$password" | htpasswd -niB calendar >/etc/radicale/users
    )
    chgrp radicale /etc/radicale/users
    systemctl restart radicale
fi
