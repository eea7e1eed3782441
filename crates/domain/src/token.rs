//! Names of Proxmox API tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A token's full name, `user@realm!token`, as Proxmox prints it when the token is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId {
    user: String,
    realm: String,
    token: String,
}

/// Why a text is no token id; the message says which part is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTokenId {
    /// No `!`: most often a bare user id.
    #[error("the token's own name is missing: write user@realm!token, as Proxmox shows it")]
    NoToken,
    /// No `@realm`.
    #[error("the realm is missing: write user@realm!token, for example root@pam!berth")]
    NoRealm,
    /// A part is empty, too long or has a character that Proxmox refuses.
    #[error("this is no token id: write user@realm!token, for example root@pam!berth")]
    Grammar,
}

impl TokenId {
    /// The user's name without realm.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The realm, such as `pam`.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The token's own name.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The token's owner, `user@realm`.
    pub fn userid(&self) -> String {
        format!("{}@{}", self.user, self.realm)
    }
}

/// Proxmox's `pve-configid`-like names: a letter, then letters, digits, `-`, `_`, `.`.
fn is_name(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;
    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        let text = text.trim();
        let (userid, token) = text.rsplit_once('!').ok_or(InvalidTokenId::NoToken)?;
        let (user, realm) = userid.rsplit_once('@').ok_or(InvalidTokenId::NoRealm)?;
        let user_is_name = !user.is_empty()
            && !user.chars().any(|character| {
                character.is_whitespace() || character.is_control() || ":/!=".contains(character)
            });
        if !user_is_name || !is_name(realm) || !is_name(token) || text.len() > 160 {
            return Err(InvalidTokenId::Grammar);
        }
        Ok(Self { user: user.into(), realm: realm.into(), token: token.into() })
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}!{}", self.user, self.realm, self.token)
    }
}

impl TryFrom<String> for TokenId {
    type Error = InvalidTokenId;
    fn try_from(text: String) -> Result<Self, InvalidTokenId> {
        text.parse()
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_missing_part_is_named() {
        assert_eq!("root@pam".parse::<TokenId>(), Err(InvalidTokenId::NoToken));
        assert_eq!("root!berth".parse::<TokenId>(), Err(InvalidTokenId::NoRealm));
        assert_eq!("root@pam!9bad".parse::<TokenId>(), Err(InvalidTokenId::Grammar));
        assert_eq!("root@pam!berth=secret".parse::<TokenId>(), Err(InvalidTokenId::Grammar));
        assert_eq!(" a@b.c@pve!berth-1 ".parse::<TokenId>().unwrap().userid(), "a@b.c@pve");
    }

    proptest! {
        #[test]
        fn what_is_accepted_reads_back(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<TokenId>() {
                prop_assert_eq!(id.to_string().parse(), Ok(id.clone()));
                prop_assert!(!id.to_string().contains(['\n', '\r', '=', ' ']));
            }
        }
    }
}
