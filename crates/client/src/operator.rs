//! Calls for the switch's operator.

mod sandbox_powers;

use wire::v1::{
    FundReserveRequest, FundReserveResponse, PayOutRequest, PayOutResponse, PublishRatesRequest, PublishRatesResponse,
    RegisterMerchantRequest, RegisterMerchantResponse, SettleSchemeRequest, SettleSchemeResponse,
    SquarePositionRequest, SquarePositionResponse, StatusRequest, StatusResponse,
    operations_service_client::OperationsServiceClient, sandbox_service_client::SandboxServiceClient,
};

use crate::channel::{self, Authenticated, Connection};
use crate::{Address, ApiKey, Error, Options};

/// Calls to the operators' listener. A clone shares the connection.
///
/// Every method fails as [`Error`] says. The powers over a sandbox are refused `UNIMPLEMENTED` by any other daemon.
#[derive(Clone, Debug)]
pub struct Operator {
    address: Address,
    operations: OperationsServiceClient<Authenticated>,
    sandbox: SandboxServiceClient<Authenticated>,
}

impl Operator {
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
        Self {
            address: address.clone(),
            operations: OperationsServiceClient::new(connection.for_calls()),
            sandbox: SandboxServiceClient::new(connection.for_calls()),
        }
    }

    /// Registers a merchant with the API key it will call with.
    ///
    /// # Errors
    /// As every call.
    pub async fn register_merchant(&self, request: RegisterMerchantRequest) -> Result<RegisterMerchantResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().register_merchant(request).await)
    }

    /// Publishes rates, all or none.
    ///
    /// # Errors
    /// As every call.
    pub async fn publish_rates(&self, request: PublishRatesRequest) -> Result<PublishRatesResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().publish_rates(request).await)
    }

    /// Moves funds from the switch's bank account to a merchant's reserve.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn fund_reserve(&self, request: FundReserveRequest) -> Result<FundReserveResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().fund_reserve(request).await)
    }

    /// Moves what a merchant is owed to the switch's bank account: the merchant was paid at its bank.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn pay_out(&self, request: PayOutRequest) -> Result<PayOutResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().pay_out(request).await)
    }

    /// Books the bank deal that closes an open position, whole or part.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn square_position(&self, request: SquarePositionRequest) -> Result<SquarePositionResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().square_position(request).await)
    }

    /// Books what a card scheme paid, and closes what it owed.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn settle_scheme(&self, request: SettleSchemeRequest) -> Result<SettleSchemeResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().settle_scheme(request).await)
    }

    /// How the switch stands.
    ///
    /// # Errors
    /// As every call.
    pub async fn status(&self) -> Result<StatusResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().status(StatusRequest {}).await)
    }
}
