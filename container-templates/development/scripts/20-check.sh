# The SSH server answers, and the user can compile.
set -eu

answers() { ssh-keyscan -T 5 127.0.0.1 2>/dev/null | grep -q '^127.0.0.1 ssh-'; }
systemctl enable -q ssh
answers || systemctl restart ssh
if ! wait_until 30 answers; then
    log_error "the SSH server does not answer"
    systemctl status --no-pager ssh || true
    exit 1
fi

work=$(run_as_user dev mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int main(void) { return 42; }' | run_as_user dev cc -x c -o "$work/check" -
code=0
run_as_user dev "$work/check" || code=$?
if [ "$code" -ne 42 ]; then
    log_error "the compiler makes programs that do not run"
    exit 1
fi
log_info "log in with: ssh dev@$(hostname)"
