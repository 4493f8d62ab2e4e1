//! Cards, and a switch that is killed (SIGKILL) wherever it can be: between an intent, its message, the answer and its record.
//!
//! A real daemon speaks to a played network that outlives it, through a relay that can hold up either direction. After each
//! kill the daemon is started again on the same data, a few times, time passes, and the network's books are compared with all
//! payments there are: no card is charged without a payment or a reversal, none twice, and nothing stands that no issuer
//! approved. Every request is on the line once at most.
//!
//! In one test the place of the kill is chosen, by holding the relay or by `strace`, which kills at a system call; in the
//! other it comes at random moments while clients pay with cards of every script.
//!
//! `PAYSWITCH_CARD_KILLS=200 cargo test --release -p payswitchd --test card_crash -- --nocapture` makes it 200 random kills
//! instead of a few; `PAYSWITCH_CARD_SEED` chooses another course. What the seed cannot fix is the operating system's share.

mod audit;
mod buyers;
mod call;
mod house;
mod kills;
mod relay;
mod steps;
#[path = "../support/mod.rs"]
mod support;
