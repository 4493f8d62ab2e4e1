//! Calls for merchants and wallet operators.

use wire::v1::{
    AccountServiceGetRequest, AccountServiceGetResponse, AuthorizeRequest, AuthorizeResponse, CloseRequest,
    CloseResponse, DepositRequest, DepositResponse, ListPostingsRequest, ListPostingsResponse, OpenRequest,
    OpenResponse, PaymentServiceGetRequest, PaymentServiceGetResponse, RateServiceListRequest, RateServiceListResponse,
    WithdrawRequest, WithdrawResponse, account_service_client::AccountServiceClient,
    payment_service_client::PaymentServiceClient, rate_service_client::RateServiceClient,
};

use crate::channel::{self, Authenticated};
use crate::{Address, ApiKey, Error, Options};

/// Calls to the main listener. A clone shares the connection; many calls may be under way on it at once.
///
/// The key decides what is served: payments for a merchant's key, accounts for a wallet operator's, rates for any.
///
/// Every method fails as [`Error`] says. When [`Error::outcome_is_unknown`], repeat the call with the same idempotency
/// key: the answer is then the one recorded, whichever attempt got through.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    payments: PaymentServiceClient<Authenticated>,
    accounts: AccountServiceClient<Authenticated>,
    rates: RateServiceClient<Authenticated>,
}

impl Client {
    /// Connects now.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn connect(address: &Address, key: &ApiKey, options: Options) -> Result<Self, Error> {
        Ok(Self::over(address, channel::connect(address, key, options).await?))
    }

    /// Connects with the first call. Must be called inside a Tokio runtime.
    #[must_use]
    pub fn lazy(address: &Address, key: &ApiKey, options: Options) -> Self {
        Self::over(address, channel::connect_lazily(address, key, options))
    }

    fn over(address: &Address, channel: Authenticated) -> Self {
        Self {
            address: address.clone(),
            payments: PaymentServiceClient::new(channel.clone()),
            accounts: AccountServiceClient::new(channel.clone()),
            rates: RateServiceClient::new(channel),
        }
    }

    /// Asks to be paid: decided and captured at once. For merchants.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn authorize(&self, request: AuthorizeRequest) -> Result<AuthorizeResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().authorize(request).await)
    }

    /// One payment of the calling merchant.
    ///
    /// # Errors
    /// As every call.
    pub async fn payment(&self, request: PaymentServiceGetRequest) -> Result<PaymentServiceGetResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().get(request).await)
    }

    /// Opens an account. For wallet operators, as all calls on accounts.
    ///
    /// # Errors
    /// As every call.
    pub async fn open(&self, request: OpenRequest) -> Result<OpenResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().open(request).await)
    }

    /// Credits an account.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn deposit(&self, request: DepositRequest) -> Result<DepositResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().deposit(request).await)
    }

    /// Debits an account.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn withdraw(&self, request: WithdrawRequest) -> Result<WithdrawResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().withdraw(request).await)
    }

    /// Closes an account for ever.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn close(&self, request: CloseRequest) -> Result<CloseResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().close(request).await)
    }

    /// One account with its balances.
    ///
    /// # Errors
    /// As every call.
    pub async fn account(&self, request: AccountServiceGetRequest) -> Result<AccountServiceGetResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().get(request).await)
    }

    /// A page of an account's postings, oldest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_postings(&self, request: ListPostingsRequest) -> Result<ListPostingsResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().list_postings(request).await)
    }

    /// The rates in force.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_rates(&self) -> Result<RateServiceListResponse, Error> {
        Error::or_reply(&self.address, self.rates.clone().list(RateServiceListRequest {}).await)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// An address of this machine at which nobody listens any more.
    fn silent_address() -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string().parse().unwrap()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_daemon_that_is_not_there_is_unreachable() {
        let (address, key) = (silent_address(), "key".parse().unwrap());
        let lazy = Client::lazy(&address, &key, Options::default()).list_rates().await;
        let eager = Client::connect(&address, &key, Options::default()).await.map(drop);
        for error in [lazy.map(drop).unwrap_err(), eager.unwrap_err()] {
            assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
            assert!(!error.outcome_is_unknown());
            assert_eq!(error.to_string(), format!("cannot reach {address}"));
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(cause.starts_with("Connection refused"), "{cause}");
        }
    }
}
