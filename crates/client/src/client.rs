//! Calls for merchants and wallet operators.

mod accounts;
mod cards;
mod consents;
mod offers;
mod payment_stream;
mod payments;
mod persons;
mod receipts;
mod watch;

use wire::v1::{
    account_service_client::AccountServiceClient, batch_service_client::BatchServiceClient,
    card_service_client::CardServiceClient, consent_service_client::ConsentServiceClient,
    payment_service_client::PaymentServiceClient, person_service_client::PersonServiceClient,
    quote_service_client::QuoteServiceClient, rate_service_client::RateServiceClient,
    receipt_service_client::ReceiptServiceClient,
};

use crate::channel::{self, Authenticated, Connection};
use crate::{Address, ApiKey, Error, Options};

pub use self::payment_stream::{PaymentAnswers, PaymentSender};
pub use self::watch::Watch;

/// Bytes of the answer to a batch: payments that are told take about twice the room of their requests.
const BATCH_REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Calls to the main listener. A clone shares the connection; many calls may be under way on it at once.
///
/// The key decides what is served: payments for a merchant's key, accounts, consents, persons and cards for a wallet operator's, quotes
/// and receipts for both, rates and the keys of receipts for any. With the switch's operator's key the payments of every
/// merchant can be read.
///
/// Every method fails as [`Error`] says. When [`Error::outcome_is_unknown`], repeat the call with the same idempotency
/// key: the answer is then the one recorded, whichever attempt got through.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    payments: PaymentServiceClient<Authenticated>,
    /// For streams, which have no deadline.
    streams: PaymentServiceClient<Authenticated>,
    batches: BatchServiceClient<Authenticated>,
    accounts: AccountServiceClient<Authenticated>,
    consents: ConsentServiceClient<Authenticated>,
    persons: PersonServiceClient<Authenticated>,
    cards: CardServiceClient<Authenticated>,
    quotes: QuoteServiceClient<Authenticated>,
    rates: RateServiceClient<Authenticated>,
    receipts: ReceiptServiceClient<Authenticated>,
}

impl Client {
    /// Connects now.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn connect(address: &Address, key: &ApiKey, options: Options) -> Result<Self, Error> {
        Ok(Self::over(address, &channel::connect(address, key, options).await?))
    }

    /// Connects with the first call. Must be called inside a Tokio runtime.
    #[must_use]
    pub fn lazy(address: &Address, key: &ApiKey, options: Options) -> Self {
        Self::over(address, &channel::connect_lazily(address, key, options))
    }

    fn over(address: &Address, connection: &Connection) -> Self {
        let calls = || connection.for_calls();
        Self {
            address: address.clone(),
            payments: PaymentServiceClient::new(calls()),
            streams: PaymentServiceClient::new(connection.for_streams()),
            batches: BatchServiceClient::new(calls()).max_decoding_message_size(BATCH_REPLY_BYTES_MAX),
            accounts: AccountServiceClient::new(calls()),
            consents: ConsentServiceClient::new(calls()),
            persons: PersonServiceClient::new(calls()),
            cards: CardServiceClient::new(calls()),
            quotes: QuoteServiceClient::new(calls()),
            rates: RateServiceClient::new(calls()),
            receipts: ReceiptServiceClient::new(calls()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use wire::v1::WatchRequest;

    use super::*;

    /// An address of this machine at which nobody listens any more.
    fn silent_address() -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string().parse().unwrap()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_daemon_that_is_not_there_is_unreachable() {
        let (address, key) = (silent_address(), "key".parse().unwrap());
        let client = Client::lazy(&address, &key, Options::default());
        let lazy = client.list_rates().await.map(drop);
        let watch = client.watch(WatchRequest::default()).await.map(drop);
        let eager = Client::connect(&address, &key, Options::default()).await.map(drop);
        for error in [lazy.unwrap_err(), watch.unwrap_err(), eager.unwrap_err()] {
            assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
            assert!(!error.outcome_is_unknown());
            assert_eq!(error.to_string(), format!("cannot reach {address}"));
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(cause.starts_with("Connection refused"), "{cause}");
        }
    }
}
