//! All of Berth's SQL and Redis, and the encryption of secrets
