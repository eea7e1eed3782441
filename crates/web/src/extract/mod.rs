//! What handlers take from a request.

mod browser;
pub mod call;
pub mod client_ip;
pub mod path;
pub mod session;

pub use call::Call;
pub use client_ip::ClientIp;
