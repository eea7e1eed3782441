# Starts Docker, and sees to it that a container really runs.
set -eu

# Debian 13 keeps the command apart from the engine.
is_installed docker || ensure_installed docker-cli

answers() { docker version --format '{{.Server.Version}}'; }
systemctl enable -q docker
systemctl start docker || true
if ! wait_until 60 answers; then
    log_error "Docker did not start; are the features nesting and keyctl on?"
    systemctl status --no-pager docker || true
    exit 1
fi

# An image of one program that is here already: nothing is downloaded for this.
check() {
    tar -C /usr/bin -c tini-static | docker import - berth-check >/dev/null &&
        docker run --rm --network none berth-check /tini-static --version
}
if ! check; then
    log_error "Docker is up, but containers do not run; are the features nesting and keyctl on?"
    exit 1
fi
docker rmi berth-check >/dev/null
log_info "Docker is ready: docker run, docker-compose up"
