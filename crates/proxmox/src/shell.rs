//! Command lines for a remote POSIX shell. Nothing else in the workspace may build one.

use std::fmt;

use crate::{Error, Result};

/// Quotes one word so that any POSIX shell reads it back byte for byte.
///
/// A NUL byte cannot stand in a command line and is refused with [`Error::Invalid`].
pub fn quote(word: &str) -> Result<String> {
    if word.contains('\0') {
        return Err(Error::Invalid("a NUL byte in a command".into()));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,".contains(&byte);
    // A leading "~" or "=" never gets here unquoted: neither is in the plain set.
    if !word.is_empty() && word.bytes().all(plain) {
        return Ok(word.to_owned());
    }
    Ok(format!("'{}'", word.replace('\'', r"'\''")))
}

/// A program and its arguments, each of which reaches the program unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
}

impl Command {
    /// A command without arguments.
    pub fn new(program: impl Into<String>) -> Self {
        Self { words: vec![program.into()] }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl fmt::Display) -> Self {
        self.words.push(argument.to_string());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(mut self, arguments: I) -> Self {
        self.words.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The program's name.
    pub fn program(&self) -> &str {
        &self.words[0]
    }

    /// The same command run by `sudo` without asking for a password.
    #[must_use]
    pub fn with_sudo(self) -> Self {
        Self::new("sudo").arg("-n").arg("--").args(self.words)
    }

    /// The one string that a remote login shell is given.
    pub fn to_line(&self) -> Result<String> {
        Ok(self.words.iter().map(|word| quote(word)).collect::<Result<Vec<_>>>()?.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::process;

    use proptest::prelude::*;

    use super::*;

    fn through_shell(line: &str) -> Vec<u8> {
        let output = process::Command::new("sh").arg("-c").arg(line).output().expect("sh runs");
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    #[test]
    fn what_shells_care_about_comes_through() {
        for word in [
            "",
            "'",
            "''",
            "a'b",
            "$HOME",
            "`id`",
            "~",
            "~root",
            "a b",
            "\n",
            "*",
            "!x",
            "-n",
            "\\",
            "#",
            "ü€🦀",
            "=ls",
            "a=b",
            "\t;|&<>()",
            "'\"'",
        ] {
            let line = Command::new("printf").arg("%s").arg(word).to_line().unwrap();
            assert_eq!(through_shell(&line), word.as_bytes(), "{word:?}");
        }
    }

    #[test]
    fn a_nul_byte_is_refused() {
        assert!(matches!(Command::new("echo").arg("a\0b").to_line(), Err(Error::Invalid(_))));
    }

    #[test]
    fn sudo_never_asks() {
        assert_eq!(Command::new("pct").arg("list").with_sudo().to_line().unwrap(), "sudo -n -- pct list");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_words_come_through_a_real_shell(words in prop::collection::vec("[^\\x00]{0,20}", 1..6)) {
            let line = Command::new("printf").arg("%s\\0").args(words.clone()).to_line().unwrap();
            let expected: Vec<u8> = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
            prop_assert_eq!(through_shell(&line), expected);
        }

        #[test]
        fn twice_quoted_comes_through_two_shells(word in "[^\\x00]{0,30}") {
            let inner = Command::new("printf").arg("%s").arg(&word).to_line().unwrap();
            let line = Command::new("sh").arg("-c").arg(inner).to_line().unwrap();
            prop_assert_eq!(through_shell(&line), word.as_bytes());
        }
    }
}
