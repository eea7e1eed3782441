//! Second factors of the simulated host's users.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// A user of the recorded host who has an authenticator app.
pub const ALICE: (&str, &str) = ("alice", "alice-Passw0rd");
/// What her authenticator app was set up with.
pub const ALICES_TOTP: &str = "JBSWY3DPEHPK3PXP";
const STEP: i64 = 30;

/// The code that an authenticator app shows now (RFC 6238).
pub fn totp(secret: &str) -> String {
    code(secret, 0)
}

/// The one that it shows next: Proxmox takes it already, and takes none twice.
pub fn next_totp(secret: &str) -> String {
    code(secret, 1)
}

fn code(secret: &str, ahead: i64) -> String {
    let now = berth_domain::Clock::system().now().unix_timestamp();
    let key = BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).unwrap();
    mac.update(&(now / STEP + ahead).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0x0f);
    let word = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}
