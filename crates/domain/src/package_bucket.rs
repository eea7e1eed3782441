//! Named lists of packages, to be used in many containers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::PackageBucketId;
use crate::package::Package;

/// So many packages are in a bucket at most.
pub const MOST_PACKAGES: usize = 500;

/// A reusable list of packages of one or more managers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageBucket {
    /// Its id.
    pub id: PackageBucketId,
    /// Unique per person, whatever the case of its letters.
    pub name: BucketName,
    /// Each once, at most [`MOST_PACKAGES`].
    pub packages: Vec<Package>,
    /// Grows with each change: who saves names the one they have seen.
    pub revision: i32,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

impl PackageBucket {
    /// Whether each word is in its name or in the name of one of its packages, whatever the case.
    pub fn matches(&self, words: &str) -> bool {
        let holds = |text: &str, word: &str| text.to_lowercase().contains(word);
        words.to_lowercase().split_whitespace().all(|word| {
            holds(self.name.as_str(), word) || self.packages.iter().any(|package| holds(package.name(), word))
        })
    }
}

/// A bucket's name: one line of 1 to 100 characters, without space around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

/// A text that is no bucket's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bucket's name has 1 to 100 characters on one line, for example Web tools")]
pub struct InvalidBucketName;

impl BucketName {
    /// The longest one, in characters.
    pub const LONGEST: usize = 100;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `NAME copy`, or `NAME copy 2` and so on, within the bound.
    #[must_use]
    pub fn copy(&self, number: u32) -> Self {
        let suffix = if number == 1 { " copy".to_owned() } else { format!(" copy {number}") };
        let kept: String = self.0.chars().take(Self::LONGEST - suffix.len()).collect();
        Self(format!("{}{suffix}", kept.trim_end()))
    }
}

impl FromStr for BucketName {
    type Err = InvalidBucketName;
    fn from_str(text: &str) -> Result<Self, InvalidBucketName> {
        let text = text.trim();
        let fits = (1..=Self::LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(InvalidBucketName) }
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for BucketName {
    type Error = InvalidBucketName;
    fn try_from(text: String) -> Result<Self, InvalidBucketName> {
        text.parse()
    }
}

impl From<BucketName> for String {
    fn from(name: BucketName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::PackageManager;

    #[test]
    fn a_name_is_one_line_of_bounded_length() {
        let long = "ü".repeat(100);
        for (name, valid) in [
            ("Web tools", true),
            (" x ", true),
            (long.as_str(), true),
            ("; rm -rf / $(x) <b>", true),
            ("", false),
            ("  ", false),
            ("a\nb", false),
            ("a\0b", false),
        ] {
            assert_eq!(name.parse::<BucketName>().is_ok(), valid, "{name:?}");
        }
        assert!(format!("{long}x").parse::<BucketName>().is_err());
        assert_eq!(" x ".parse::<BucketName>().unwrap().as_str(), "x");
    }

    #[test]
    fn a_copy_of_a_copy_stays_within_the_bound() {
        let name: BucketName = "ü".repeat(100).parse().unwrap();
        for number in [1, 2, 4_000_000_000] {
            let copy = name.copy(number);
            assert_eq!(copy.as_str().parse::<BucketName>().as_ref(), Ok(&copy), "{number}");
            assert_eq!(copy.as_str().chars().count(), 100);
        }
    }

    #[test]
    fn every_word_of_a_search_must_be_somewhere() {
        let bucket = PackageBucket {
            id: PackageBucketId::new(),
            name: "Web Tools".parse().unwrap(),
            packages: vec![Package::parse(PackageManager::Apt, "nginx").unwrap()],
            revision: 1,
            created_at: OffsetDateTime::UNIX_EPOCH,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        };
        for (words, matches) in [("", true), ("web NGI", true), ("web apache", false)] {
            assert_eq!(bucket.matches(words), matches, "{words}");
        }
    }
}
