//! Lines of `authorized_keys`, as `sshd` reads them and `POST /nodes/{node}/lxc` takes them: there, `ssh-keygen -l` reads each.

use russh::keys::PublicKey;
use russh::keys::ssh_key::public::KeyData;

/// Kinds that a recent `sshd` takes.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];
/// Bytes of a line that `sshd` reads; the longest real ones have 3000.
const LONGEST: usize = 8 << 10;
/// Bits of an RSA key below which OpenSSH refuses it.
const SHORTEST_RSA: u32 = 1024;

/// Why a line lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizedKeyProblem {
    /// Nothing in it names a kind of key.
    #[error("is not an OpenSSH public key, such as ssh-ed25519 AAAA… name")]
    NoKey,
    /// The kind stands there and its key does not, or not whole.
    #[error("has a damaged key: copy the whole line again, it may have been cut off or wrapped")]
    Damaged,
    /// A certificate is for `TrustedUserCAKeys`, not for `authorized_keys`.
    #[error("is a certificate, which authorized_keys does not take: paste the key itself")]
    Certificate,
    /// DSA keys are refused by OpenSSH since 7.0.
    #[error("is a DSA key, which OpenSSH does not take any more: make an Ed25519 one with ssh-keygen")]
    Dsa,
    /// OpenSSH refuses RSA keys below 1024 bits.
    #[error(
        "is an RSA key of fewer than 1024 bits, which OpenSSH refuses: make an Ed25519 one with ssh-keygen"
    )]
    Short,
    /// The options before the key have an open quote, or what follows them is no key.
    #[error("has options that do not end: each \" needs its counterpart")]
    Options,
    /// Longer than `sshd` reads.
    #[error("is longer than any key")]
    Long,
}

/// Checks one line: perhaps options, then a key's kind, the key in base64, and perhaps a comment in any script.
pub fn check_authorized_key(line: &str) -> Result<(), AuthorizedKeyProblem> {
    use AuthorizedKeyProblem::{Long, NoKey};
    let line = line.trim();
    if line.len() > LONGEST {
        return Err(Long);
    }
    if line.contains(|character: char| character.is_control() && character != '\t') {
        return Err(NoKey);
    }
    if is_kind(word(line).0) {
        return check_key(line);
    }
    let (_, rest) = after_options(line)?;
    if is_kind(word(rest).0) { check_key(rest) } else { Err(NoKey) }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once([' ', '\t']).unwrap_or((text, ""))
}

fn is_kind(word: &str) -> bool {
    KINDS.contains(&word) || word == "ssh-dss" || word.ends_with("-cert-v01@openssh.com")
}

/// Options have no blanks but in quotes; `\"` does not end one.
fn after_options(line: &str) -> Result<(&str, &str), AuthorizedKeyProblem> {
    let (mut quoted, mut escaped) = (false, false);
    for (position, character) in line.char_indices() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => return Ok(line.split_at(position)),
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
    Err(if quoted { AuthorizedKeyProblem::Options } else { AuthorizedKeyProblem::NoKey })
}

fn check_key(text: &str) -> Result<(), AuthorizedKeyProblem> {
    use AuthorizedKeyProblem::{Certificate, Damaged, Dsa, Short};
    let (kind, rest) = word(text);
    if kind == "ssh-dss" {
        return Err(Dsa);
    }
    if kind.ends_with("-cert-v01@openssh.com") {
        return Err(Certificate);
    }
    // The comment is for people, and may be in any script.
    let bare = format!("{kind} {}", word(rest).0);
    let key = PublicKey::from_openssh(&bare).map_err(|_| Damaged)?;
    match key.key_data() {
        KeyData::Rsa(rsa) if rsa.key_size() < SHORTEST_RSA => Err(Short),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn ok(line: &str) {
        assert_eq!(check_authorized_key(line), Ok(()), "{line}");
    }

    #[test]
    fn every_kind_of_a_recent_openssh_is_read() {
        for line in [
            ED25519,
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBgJwrRL58lkzMwT19yuTSVSpefBpiQVWoyoLg6tRkjgxCrSTzc7QBdFgZ8tIDlpPGUjrYIBIIeWmczgHKh2YYU=",
            "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBNV4w68SrBV5YfCEnYhf8sZ8KVcniltJ0JLk41a8S7w3tR+o2TpWJANmy45N8ge3SJlJI9fbhTcb4zCBlR3p6SRVHOcWfLdqlIEmTzsCoXm0c3aEQwee9SQt3CDcQuXf/w==",
            "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAFPVutlsZxZo/TtHKc9SHBDQa8QsLl0IeoP8MxXonhHkCz38RWOhiwMRkXsciKhQbvRQyfDchwt86FrlILTJMpSSgBTEhUealpOml6vlVGdv8/Htz7psgJWBDXjsCnm0v636m/n5pjRdmXShZAa6RcP1JHb63uaBUNjiKKOB8wwawEUFg==",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDRrN83YtW/kD46cm8XeCuU0EZGBHbSr5f95hVE2eV0t28JilsvGFqKIu5lSBdRTclE4sFmX3X2Q+b5MvL4N17AlgHn4ukdM5VZ423gGfa5OZi1LzggUR48I9qyJTaege+KtAn02lxzq9sozpAf1Q0hYPj8FDWXk9MeC3XlzWA9xw==",
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dczAAAABHNzaDo=",
        ] {
            ok(line);
        }
    }

    #[test]
    fn options_and_comments_stand_around_the_key() {
        for line in [
            format!("{ED25519} Zoë's laptop 💻"),
            format!("  {ED25519}\tme\r"),
            format!("no-pty,from=\"10.0.0.0/8,!10.0.0.9\" {ED25519} me"),
            format!(r#"command="echo \"a b\"" {ED25519}"#),
        ] {
            ok(&line);
        }
    }

    #[test]
    fn what_lets_nobody_in_says_why() {
        use AuthorizedKeyProblem::{Certificate, Damaged, Dsa, Long, NoKey, Options, Short};
        let rsa512 = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQCu6eXgMYxyRuBzVAuHBVTh2E2mp4v7Wj5/JPPX0IJaqhMWSVyjZf7yZTEYeaTRAo1tVCuGmYJ0m0kRYmYoGLhr";
        for (line, why) in [
            ("nonsense".to_owned(), NoKey),
            ("not a key".to_owned(), NoKey),
            ("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".to_owned(), NoKey),
            (format!("{ED25519}\u{7}"), NoKey),
            ("ssh-ed25519 AAAA".to_owned(), Damaged),
            ("ssh-ed25519".to_owned(), Damaged),
            (ED25519[..ED25519.len() - 5].to_owned(), Damaged),
            (ED25519.replace("NTE5", "NTE*"), Damaged),
            (ED25519.replace("ssh-ed25519", "ssh-rsa"), Damaged),
            ("ssh-dss AAAAB3NzaC1kc3MAAACB me".to_owned(), Dsa),
            ("ssh-ed25519-cert-v01@openssh.com AAAA me".to_owned(), Certificate),
            (format!("from=\"10.0.0.0/8 {ED25519}"), Options),
            (rsa512.to_owned(), Short),
            (format!("{ED25519} {}", "x".repeat(LONGEST)), Long),
        ] {
            assert_eq!(check_authorized_key(&line), Err(why), "{line}");
        }
    }
}
