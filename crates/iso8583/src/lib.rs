//! Messages of ISO 8583:1987: from bytes to fields and back, and the values that a switch needs of them.
//!
//! **What it is for.** A partner's link speaks in messages whose bytes differ from partner to partner and whose elements
//! do not. A [`Spec`] says how each element is written; [`decode`] and [`encode`] go by it, and everything behind them
//! sees a [`Message`] of the same elements with the same content. [`field`] reads and writes single elements as types;
//! [`response`] says what codes of DE 39 mean in the switch's reasons.
//!
//! **What it must never know.** Sockets, time, keys, what a payment is, which partner speaks. It does no I/O and keeps no
//! state but the half of a frame that a [`frame::Deframer`] waits for the rest of. No bytes make it panic, and nothing it
//! prints, errors included, shows card data.
//!
//! **Where to start reading.** [`Message`], then [`Spec`], then `codec.rs`; [`field`] for single elements. `README.md`
//! says what the published specs write and where they had a choice.

#![no_std]
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

extern crate alloc;

mod element;
mod mti;

mod charset;
mod format;
mod spec;

mod message;
mod show;
mod wiped;

mod codec;
mod error;

pub mod field;
pub mod frame;
pub mod response;

pub use charset::Charset;
pub use codec::{MESSAGE_BYTES_MAX, decode, encode};
pub use element::{Definition, Element, Kind, Length};
pub use error::{DecodeError, EncodeError, Expected, Place};
pub use format::{Encoding, Format, Padding, PrefixEncoding};
pub use message::Message;
pub use mti::{Class, Function, Mti, Origin};
pub use spec::Spec;
pub use wiped::wipe;
