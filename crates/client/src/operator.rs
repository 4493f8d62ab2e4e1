//! Calls for the switch's operator.

use wire::v1::{
    PublishRatesRequest, PublishRatesResponse, RegisterMerchantRequest, RegisterMerchantResponse, StatusRequest,
    StatusResponse, operations_service_client::OperationsServiceClient,
};

use crate::channel::{self, Authenticated};
use crate::{Address, ApiKey, Error, Options};

/// Calls to the operators' listener. A clone shares the connection.
///
/// Every method fails as [`Error`] says.
#[derive(Clone, Debug)]
pub struct Operator {
    address: Address,
    operations: OperationsServiceClient<Authenticated>,
}

impl Operator {
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
        Self { address: address.clone(), operations: OperationsServiceClient::new(channel) }
    }

    /// Registers a merchant with the API key it will call with.
    ///
    /// # Errors
    /// As every call.
    pub async fn register_merchant(&self, request: RegisterMerchantRequest) -> Result<RegisterMerchantResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().register_merchant(request).await)
    }

    /// Publishes mid rates, all or none.
    ///
    /// # Errors
    /// As every call.
    pub async fn publish_rates(&self, request: PublishRatesRequest) -> Result<PublishRatesResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().publish_rates(request).await)
    }

    /// How the switch stands.
    ///
    /// # Errors
    /// As every call.
    pub async fn status(&self) -> Result<StatusResponse, Error> {
        Error::or_reply(&self.address, self.operations.clone().status(StatusRequest {}).await)
    }
}
