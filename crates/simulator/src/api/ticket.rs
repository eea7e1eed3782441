//! Tickets, CSRF tokens and one-time passwords: signed by this host alone, shaped as Proxmox shapes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::clock;
use crate::state::Model;

/// Seconds a ticket lives.
pub const LIFETIME: i64 = 7200;

/// Tickets from a little in the future are taken too.
const SKEW: i64 = 300;

fn sign(model: &Model, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(model.accounts.ticket_key.as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn fresh(time: &str) -> bool {
    i64::from_str_radix(time, 16).is_ok_and(|time| (-SKEW..LIFETIME).contains(&(clock::now() - time)))
}

/// A ticket of `subject`; `about` is signed along without being shown.
pub fn issue(model: &Model, subject: &str, about: &str) -> String {
    issue_at(model, subject, about, clock::now())
}

/// The same, as it was given out at `time` (epoch seconds).
pub fn issue_at(model: &Model, subject: &str, about: &str, time: i64) -> String {
    let plain = format!("PVE:{subject}:{time:08X}");
    let signature = sign(model, &format!("{plain}:{about}"));
    format!("{plain}::{signature}")
}

/// The subject of a ticket that is ours and fresh: a user, or `!tfa!…` for a half ticket.
pub fn subject(model: &Model, ticket: &str, about: &str) -> Option<String> {
    let (plain, signature) = ticket.rsplit_once("::")?;
    let (rest, time) = plain.rsplit_once(':')?;
    let subject = rest.strip_prefix("PVE:")?;
    (fresh(time) && sign(model, &format!("{plain}:{about}")) == signature).then(|| subject.to_owned())
}

/// The token a browser sends along with each write.
pub fn csrf(model: &Model, user: &str) -> String {
    let time = format!("{:08X}", clock::now());
    let signature = sign(model, &format!("csrf:{time}:{user}"));
    format!("{time}:{}", signature.trim_end_matches('='))
}

/// Whether a CSRF token is this user's and fresh.
pub fn csrf_matches(model: &Model, user: &str, token: &str) -> bool {
    token.split_once(':').is_some_and(|(time, signature)| {
        fresh(time) && sign(model, &format!("csrf:{time}:{user}")).trim_end_matches('=') == signature
    })
}

/// The six digits of a base32 secret at a time (RFC 6238, SHA-1, 30 s).
pub fn totp(secret: &str, at: i64) -> Option<String> {
    let key =
        data_encoding::BASE32_NOPAD.decode(secret.trim_end_matches('=').to_uppercase().as_bytes()).ok()?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).ok()?;
    mac.update(&(at / 30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0x0f);
    let word = u32::from_be_bytes([
        digest[offset] & 0x7f,
        digest[offset + 1],
        digest[offset + 2],
        digest[offset + 3],
    ]);
    Some(format!("{:06}", word % 1_000_000))
}

/// The 30 s step whose code this is, when that is the present one, the one before or the next.
pub fn totp_step(secret: &str, code: &str) -> Option<i64> {
    let now = clock::now();
    let near = [-30, 0, 30].map(|seconds| now + seconds);
    near.into_iter().find(|at| totp(secret, *at).as_deref() == Some(code)).map(|at| at / 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totp_follows_the_rfc() {
        let secret = data_encoding::BASE32_NOPAD.encode(b"12345678901234567890");
        assert_eq!(totp(&secret, 59).as_deref(), Some("287082"));
    }
}
