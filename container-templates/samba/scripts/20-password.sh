# The user's password, and a look at the share with it.
set -eu

password=$(ensure_credential samba PASSWORD)
save_credential samba USER share
save_credential samba SHARE_NAME share

answers() { PASSWD=$password smbclient -U share //127.0.0.1/share -c ls; }

systemctl enable -q smbd
systemctl start smbd
if ! answers >/dev/null 2>&1; then
    printf '%s\n%s\n' "$password" "$password" | smbpasswd -s -a share
fi
if ! wait_until 30 answers; then
    log_error "the share cannot be opened with the password"
    systemctl status --no-pager smbd || true
    exit 1
fi
if smbclient -N //127.0.0.1/share -c ls >/dev/null 2>&1; then
    log_error "the share opens without the password: see /etc/samba/smb.conf"
    exit 1
fi
log_info "the share is there: \\\\$(hostname)\\share, user share"
