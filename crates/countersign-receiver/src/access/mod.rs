//! Access: who may connect to a port, and what they may do there.
//!
//! A credential is a random secret that stands for one tenant and some scopes. The
//! configuration holds its SHA-256 only. A fast digest is enough because no secret is chosen by
//! a person: 256 random bits cannot be guessed, and a slow one would be paid for by every
//! request before it is known who sends it. That is why short secrets are refused.

pub mod files;
pub mod secret;
pub mod tls;

mod credential;
mod quota;
mod rules;

pub use credential::{CHALLENGES, Credential, Scope, Scopes};
pub use quota::Quota;
pub use rules::{Access, Caller, Denied};
