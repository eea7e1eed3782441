# Opens Redis to the network, behind a password.
set -eu

password=$(ensure_credential redis PASSWORD)
save_credential redis PORT 6379

if ! grep -q '^include /etc/redis/network.conf' /etc/redis/redis.conf; then
    (
        umask 027
        printf 'bind * -::*\nrequirepass %s\n' "$password" >/etc/redis/network.conf
    )
    chgrp redis /etc/redis/network.conf
    # The last word counts, so that Debian's own file stays as it is.
    echo 'include /etc/redis/network.conf' >>/etc/redis/redis.conf
    systemctl restart redis-server
fi
systemctl enable -q redis-server

answers() { [ "$(REDISCLI_AUTH=$password redis-cli PING)" = PONG ]; }
answers 2>/dev/null || systemctl restart redis-server
if ! wait_until 30 answers; then
    log_error "Redis does not answer with the password"
    systemctl status --no-pager redis-server || true
    exit 1
fi
case $(redis-cli PING 2>&1) in
NOAUTH*) ;;
*)
    log_error "Redis answers without the password: see /etc/redis/redis.conf"
    exit 1
    ;;
esac
log_info "Redis listens on port 6379, behind a password"
