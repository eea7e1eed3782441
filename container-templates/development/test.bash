# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="22"
CREDENTIALS="development/PASSWORD development/USER"
ask() {
    login() { SSHPASS=$1 sshpass -e ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "dev@$HOST" "$2"; }
    password=$(credential development/PASSWORD)
    login "$password" 'git --version && node --version && python3 --version' | grep "git version"
    [ "$(login "$password" "echo $password | sudo -S id -u")" = 0 ]
    refuses login wrong true
}
