# A password for the status page; kept when there is one already.
set -eu

password=$(ensure_credential nginx STATUS_PASSWORD)
save_credential nginx STATUS_USER status

if [ ! -s /etc/nginx/status.users ]; then
    # {PLAIN}: the same password is beside it among the credentials, so a hash would protect nothing.
    (
        umask 027
        printf 'status:{PLAIN}%s\n' "$password" >/etc/nginx/status.users
    )
    chgrp www-data /etc/nginx/status.users
fi
log_info "the status page's password is among this container's credentials"
