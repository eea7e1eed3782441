# Starts Docker and waits until it answers.
set -eu

# Debian 13 keeps the command apart from the engine.
is_installed docker || ensure_installed docker-cli

systemctl enable docker
systemctl restart docker

# The unit is active only once the engine has said that it is ready.
tries=0
until systemctl is-active --quiet docker; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
        log_error "Docker did not start; are the features nesting and keyctl on?"
        systemctl status --no-pager docker || true
        exit 1
    fi
    sleep 1
done
log_info "Docker is ready: docker run, docker-compose up"
