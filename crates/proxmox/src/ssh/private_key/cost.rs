//! How much work and memory a passphrase costs. The key itself says so: unlimited, one pasted key could take the
//! whole machine for hours.

use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use russh::keys::PrivateKey;
use russh::keys::ssh_key;

/// `ssh-keygen` uses 24 rounds, careful people 100.
const MOST_ROUNDS: u32 = 256;
/// OpenSSL uses 2048 iterations, OWASP recommends 600 000.
const MOST_ITERATIONS: u32 = 2_000_000;
/// N · r · p of scrypt: 128 MiB for one thread. OpenSSL uses an eighth.
const MOST_SCRYPT: u64 = 1 << 20;
/// `PuTTYgen` uses 8 MiB, some 20 times, by one thread.
const MOST_PUTTY: [(&str, u64); 3] =
    [("Argon2-Memory:", 64 << 10), ("Argon2-Passes:", 64), ("Argon2-Parallelism:", 16)];

/// Whether trying a passphrase costs little; none for an encrypted key of which that cannot be told.
pub(super) fn is_small(text: &str) -> Option<bool> {
    if super::is_puttys(text) {
        return Some(text.lines().all(is_small_in_putty));
    }
    let mut begins = text.lines().filter(|line| line.contains("-----BEGIN "));
    // With two of them it would depend on who reads it which is the key.
    let (Some(begin), None) = (begins.next(), begins.next()) else { return None };
    match begin {
        "-----BEGIN OPENSSH PRIVATE KEY-----" => match PrivateKey::from_openssh(text).ok()?.kdf() {
            ssh_key::Kdf::None => Some(true),
            ssh_key::Kdf::Bcrypt { rounds, .. } => Some(*rounds <= MOST_ROUNDS),
            _ => None,
        },
        "-----BEGIN ENCRYPTED PRIVATE KEY-----" => is_small_pkcs8(text),
        // Its way to encrypt has no cost to choose.
        "-----BEGIN RSA PRIVATE KEY-----" => Some(true),
        _ => None,
    }
}

fn is_small_in_putty(line: &str) -> bool {
    let limit = MOST_PUTTY.iter().find_map(|(name, most)| Some((line.strip_prefix(name)?, *most)));
    limit.is_none_or(|(value, most)| value.trim().parse::<u64>().is_ok_and(|value| value <= most))
}

fn is_small_pkcs8(text: &str) -> Option<bool> {
    let (_, document) = SecretDocument::from_pem(text).ok()?;
    let key: EncryptedPrivateKeyInfoRef<'_> = document.decode_msg().ok()?;
    match &key.encryption_algorithm.pbes2()?.kdf {
        Kdf::Pbkdf2(pbkdf2) => Some(pbkdf2.iteration_count <= MOST_ITERATIONS),
        Kdf::Scrypt(scrypt) => {
            let work = scrypt.cost_parameter.checked_mul(scrypt.block_size.into())?;
            Some(work.checked_mul(scrypt.parallelization.into())? <= MOST_SCRYPT)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{KeyProblem, check_private_key};

    const COSTLY: &str = include_str!("../../../tests/keys/ed25519-costly");

    fn check(pem: &str) -> Result<(), KeyProblem> {
        check_private_key(&pem.into(), Some(&"correct horse".into()))
    }

    #[test]
    fn a_key_that_would_take_the_machine_is_not_opened() {
        let putty = |cost: &str| {
            format!(
                "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nKey-Derivation: Argon2id\n{cost}\n"
            )
        };
        for costly in [
            COSTLY,
            include_str!("../../../tests/keys/ed25519-pkcs8-costly.pem"),
            include_str!("../../../tests/keys/ed25519-scrypt-costly.pem"),
            &putty("Argon2-Memory: 4194304"),
            &putty("Argon2-Passes: 100000"),
            &putty("Argon2-Parallelism: x"),
        ] {
            assert_eq!(check(costly), Err(KeyProblem::Costly), "{costly}");
        }
        assert_eq!(check(&putty("Argon2-Memory: 8192")), Err(KeyProblem::PassphraseWrong), "incomplete");
        assert_eq!(check(include_str!("../../../tests/keys/ed25519-scrypt.pem")), Ok(()));
    }

    #[test]
    fn what_could_be_two_keys_is_none() {
        let other = "-----BEGIN RSA PRIVATE KEY-----\nEncryption: yes\n-----END RSA PRIVATE KEY-----\n";
        for text in [format!("{other}{COSTLY}"), format!("{COSTLY}{other}")] {
            assert_eq!(check(&text), Err(KeyProblem::Unreadable));
        }
        assert_eq!(check(&format!("{COSTLY}{}", "\n".repeat(40_000))), Err(KeyProblem::Costly), "trimmed");
        assert_eq!(check(&format!("x{}{COSTLY}", "\n".repeat(40_000))), Err(KeyProblem::Unreadable));
    }
}
