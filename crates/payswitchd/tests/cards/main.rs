//! Foreign cards through a real daemon: bound, charged, given back, against a card network that is played.
//!
//! The network's books are its own: what the daemon believes is held against them.

mod asked;
mod binding;
mod canary;
mod consent;
mod life;
mod needles;
mod networks;
mod pending;
mod played;
mod production;
mod rotation;
mod scripts;
#[path = "../support/mod.rs"]
mod support;
mod unbinding;
