//! SSH public keys as people paste them: several, with comments, and now and then the private one by mistake.

use berth_proxmox::ssh::check_authorized_key;

/// What a paste leaves behind instead of a private key.
pub(super) const PRIVATE: &str = "this was a private key, and Berth has not kept it: keep it to yourself, and paste the public one \
                                  (the file ending in .pub)";

/// Lines that hold a key, with their number from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// What is wrong with the first line that is no public key.
pub(super) fn check(text: &str) -> Result<(), String> {
    if let Some(number) = private(text).first() {
        return Err(format!("line {number}: {PRIVATE}"));
    }
    for (number, line) in lines(text) {
        check_authorized_key(line).map_err(|problem| format!("line {number} {problem}"))?;
    }
    Ok(())
}

/// The text without what may be a private key, and the first line of that.
pub(super) fn without_private(text: &str) -> (String, Option<usize>) {
    let found = private(text);
    let Some(first) = found.first() else { return (text.to_owned(), None) };
    let kept = (1..).zip(text.lines()).filter(|(number, _)| found.binary_search(number).is_err());
    (kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n"), Some(*first))
}

/// The numbers of the lines, in their order, that are, or may be, of a private key: from its beginning to its end, or to the end of the text, and lines
/// that are nothing but base64, as of a key that was pasted without its beginning.
fn private(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let begins = line.contains("PRIVATE KEY") || line.contains("PuTTY-User-Key-File");
        inside |= begins;
        if inside || is_bare_base64(line.trim()) {
            found.push(number);
        }
        if line.contains("END ") && line.contains("PRIVATE KEY") {
            inside = false;
        }
    }
    found
}

/// A public key without its kind begins with four zero bits, `AAAA`; that may stay and is refused for what it is.
fn is_bare_base64(line: &str) -> bool {
    line.len() >= 40
        && !line.starts_with("AAAA")
        && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const BODY: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW";

    #[test]
    fn the_message_names_the_line() {
        assert_eq!(check(&format!("{KEY} me\r\n\r\n# work\r\n{KEY} Zoë\r\n")), Ok(()));
        let told = check(&format!("# mine\n\n{KEY}\nssh-ed25519 AAAA me")).unwrap_err();
        assert!(told.starts_with("line 4 has a damaged key"), "{told}");
        assert!(check("\n not a key").unwrap_err().starts_with("line 2 is not an OpenSSH public key"));
    }

    #[test]
    fn nothing_of_a_private_key_stays() {
        let whole = format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}\nshort==\n-----END OPENSSH PRIVATE KEY-----"
        );
        for private in [whole.clone(), whole.replace('\n', "\r\n"), BODY.to_owned(), format!("  {BODY}")] {
            let (kept, line) = without_private(&format!("{KEY} a\n{private}\n{KEY} b"));
            assert_eq!((kept.as_str(), line), (format!("{KEY} a\n{KEY} b").as_str(), Some(2)), "{private}");
            assert!(
                check(&format!("{KEY}\n{private}"))
                    .unwrap_err()
                    .starts_with("line 2: this was a private key")
            );
        }
        let putty = format!("PuTTY-User-Key-File-3: ssh-ed25519\nPublic-Lines: 2\n{BODY}\nPrivate-MAC: 00");
        let cut_off = format!("-----BEGIN RSA PRIVATE KEY-----\nshort\n{BODY}");
        for private in [putty, cut_off] {
            assert_eq!(without_private(&private), (String::new(), Some(1)), "{private}");
        }
        assert_eq!(without_private(KEY), (KEY.to_owned(), None));
    }

    #[test]
    fn a_million_lines_are_no_trouble() {
        let began = std::time::Instant::now();
        let text = format!("{KEY}\n-----BEGIN PRIVATE KEY-----{}", "\n".repeat(1_000_000));
        assert_eq!(without_private(&text), (KEY.to_owned(), Some(2)));
        assert!(began.elapsed() < std::time::Duration::from_secs(20));
    }
}
