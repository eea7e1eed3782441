# The user "dev": logs in over SSH with the keys that the container was made with, or with the password, and may use sudo.
set -eu

password=$(ensure_credential development PASSWORD)
save_credential development USER dev

if ! id dev >/dev/null 2>&1; then
    useradd --create-home --shell /bin/bash --groups sudo dev
    printf 'dev:%s\n' "$password" | chpasswd
fi
if [ -s /root/.ssh/authorized_keys ] && [ ! -e /home/dev/.ssh/authorized_keys ]; then
    install -d -m 700 -o dev -g dev /home/dev/.ssh
    install -m 600 -o dev -g dev /root/.ssh/authorized_keys /home/dev/.ssh/authorized_keys
fi
