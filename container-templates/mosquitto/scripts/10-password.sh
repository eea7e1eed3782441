# Opens the broker to the network, for users with a password.
set -eu

password=$(ensure_credential mosquitto PASSWORD)
save_credential mosquitto USER mqtt
save_credential mosquitto PORT 1883

if [ ! -e /etc/mosquitto/conf.d/network.conf ]; then
    (
        umask 027
        printf 'mqtt:%s\n' "$password" >/etc/mosquitto/passwords
    )
    # Turns the passwords in the file into hashes.
    mosquitto_passwd -U /etc/mosquitto/passwords
    chown mosquitto: /etc/mosquitto/passwords
    cat >/etc/mosquitto/conf.d/network.conf <<'END'
# More users: mosquitto_passwd /etc/mosquitto/passwords NAME && systemctl reload mosquitto
listener 1883
allow_anonymous false
password_file /etc/mosquitto/passwords
END
    systemctl restart mosquitto
fi
systemctl enable -q mosquitto
