use berth_domain::Fingerprint;
use berth_proxmox::HostKey;
use berth_testkit::fuzz::{any_text, fuzz, like, mutated};
use proptest::prelude::*;

const TELLING: &[&str] = &[
    ":",
    "::",
    " ",
    "\n",
    "\0",
    "0",
    "f",
    "F",
    "g",
    "AB",
    "0x",
    "-",
    "+",
    "=",
    "==",
    "SHA256:",
    "SHA512:",
    "MD5:",
    "sha256:",
    "ssh-rsa",
    "ssh-ed25519 ",
    "\u{ff10}",
    "\u{1d7d8}",
    "é",
    "\u{7}",
    "\u{1b}[31m",
];
const PUBLIC: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ host";

#[derive(Clone, Debug)]
enum Text {
    /// Prints these bytes.
    Of([u8; 32], String),
    Any(String),
}

/// The ways a fingerprint is written: upper or lower case or both, with colons or without.
fn written() -> impl Strategy<Value = (Fingerprint, String)> {
    (any::<[u8; 32]>(), any::<u64>(), any::<bool>()).prop_map(|(bytes, cases, colons)| {
        let shown = Fingerprint::new(bytes).to_string();
        let mixed = shown
            .char_indices()
            .map(|(place, c)| if cases >> (place % 64) & 1 == 1 { c.to_ascii_lowercase() } else { c });
        (Fingerprint::new(bytes), mixed.filter(|c| colons || *c != ':').collect())
    })
}

fn text() -> impl Strategy<Value = Text> {
    let ssh = prop_oneof![
        like("SHA256:[A-Za-z0-9+/]{43}"),
        like("ssh-(rsa|ed25519) SHA256:[A-Za-z0-9+/]{42,44}=?"),
        Just(PUBLIC.to_owned()),
    ];
    prop_oneof![
        2 => written().prop_map(|(is, text)| Text::Of(*is.as_bytes(), text)),
        4 => mutated(written().prop_map(|(_, text)| text), TELLING).prop_map(Text::Any),
        4 => mutated(ssh, TELLING).prop_map(Text::Any),
        1 => any_text().prop_map(Text::Any),
    ]
}

/// Exactly 32 bytes, every way of writing them is the same fingerprint, and what is printed reads back as the same; SSH host keys too.
#[test]
fn fingerprint_is_32_bytes_however_written_and_reads_back_the_same() {
    fuzz("fingerprint", &text(), |text| {
        let text = match text {
            Text::Of(bytes, text) => {
                prop_assert_eq!(text.parse(), Ok(Fingerprint::new(bytes)), "{}", text);
                text
            }
            Text::Any(text) => text,
        };
        if let Ok(fingerprint) = text.parse::<Fingerprint>() {
            assert_fingerprint(&text, fingerprint)?;
        }
        if let Ok(key) = text.parse::<HostKey>() {
            assert_host_key(&key)?;
        }
        Ok(())
    });
}

fn assert_fingerprint(text: &str, fingerprint: Fingerprint) -> Result<(), TestCaseError> {
    let printed = fingerprint.to_string();
    prop_assert_eq!(printed.parse(), Ok(fingerprint));
    prop_assert_eq!(Fingerprint::try_from(String::from(fingerprint)), Ok(fingerprint));
    // Nothing but case and all of the colons may differ from what was typed.
    let typed = text.trim().to_ascii_uppercase();
    prop_assert!(typed == printed || typed == printed.replace(':', ""), "{:?}", text);
    prop_assert_eq!(fingerprint.as_bytes().len(), 32);
    Ok(())
}

fn assert_host_key(key: &HostKey) -> Result<(), TestCaseError> {
    let printed = key.to_string();
    let again: HostKey =
        printed.parse().map_err(|_| TestCaseError::fail(format!("{printed:?} does not read back")))?;
    prop_assert_eq!(&again, key);
    prop_assert_eq!(again.algorithm(), key.algorithm());
    prop_assert_eq!(again.to_string(), printed.clone());
    prop_assert!(key.fingerprint().starts_with("SHA256:"), "{printed}");
    prop_assert!(printed.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{:?}", printed);
    Ok(())
}
