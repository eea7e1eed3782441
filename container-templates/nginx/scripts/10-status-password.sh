# A password for the status page; kept when there is one already.
set -eu

if [ -s /etc/nginx/status.users ]; then
    log_info "the status page has a password already"
    exit 0
fi

password=$(generate_password 20)
# {PLAIN}: the same password is beside it among the credentials, so a hash would protect nothing.
(
    umask 027
    printf 'status:{PLAIN}%s\n' "$password" >/etc/nginx/status.users
)
chgrp www-data /etc/nginx/status.users
save_credential nginx STATUS_USER status
save_credential nginx STATUS_PASSWORD "$password"
log_info "the status page's password is among this container's credentials"
