# Not read by Berth: what `make test-templates` asks this container from outside, and what the tests expect of it.
PORTS="53"
CREDENTIALS=""
ask() {
    [ "$(dig +short localhost "@$HOST")" = 127.0.0.1 ]
    [ "$(dig +short +tcp localhost "@$HOST")" = 127.0.0.1 ]
}
