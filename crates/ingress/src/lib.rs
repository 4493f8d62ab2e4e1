//! The front door: two gRPC listeners, credentials, deadlines, error mapping and the limits that keep one caller from
//! using up the daemon.
//!
//! A handler checks who calls, turns the message into typed input (`wire`), gathers evidence (`pipeline`), hands the
//! command to the shard and waits. Nothing after an `.await` in a handler is needed for correctness: the transport may
//! drop a handler at any time, and the shard owns the work.
//!
//! It must never decide anything about money, never read the engine's state (reads come from `projections`), and never
//! take from a message who the caller is. tonic is named here, in `wire` and in `client` only.
//!
//! Start reading at [`merchant_routes`] and `payments.rs`.

mod routes;
mod server;
mod switch;

mod authorize;
mod batches;
mod many;
mod payment_stream;
mod payments;
mod together;
mod watch;

mod accounts;
mod awaited;
mod card_networks;
mod cards;
mod consents;
mod echo;
mod operations;
mod quotes;
mod rates;
mod receipts;
mod sandbox;

mod credentials;
mod deadline;
mod dealer;
mod errors;
mod ids;
mod listener;
mod metric_names;
mod payment_messages;
mod process;
mod sandbox_powers;
mod signing_keys;
mod transport_errors;

pub use awaited::AwaitedPayments;
pub use card_networks::{CardNetwork, CardNetworks};
pub use cards::{CardNumbers, CardVault};
pub use credentials::{Credentials, Principal, SANDBOX_KEY_PREFIX};
pub use dealer::{Dealer, Dealt};
pub use ids::Ids;
pub use listener::{GuardedListener, GuardedStream};
pub use metric_names::{calls_in_flight, describe_metrics};
pub use routes::Routes;
pub use sandbox_powers::{SandboxPowers, SandboxRates};
pub use server::{Health, Limits, dealer, merchant_routes, operator_routes, serve, serve_dealt};
pub use signing_keys::{KeyClash, ReceiptKeys, SigningKeys};
pub use switch::{Started, Switch};
pub use watch::OpenWatches;
