//! A vault through its public face: what it answers, what it refuses, and what stands in its file.
#![allow(clippy::unwrap_used, reason = "what tests share may do what tests may")]

mod binding;
mod damage;
mod home;
mod keys;
mod model;
mod rights;
mod search;
