//! What a conversion would cost: quotes, and the rates behind them.

use wire::v1::{
    CreateRequest, CreateResponse, HistoryRequest, HistoryResponse, RateServiceListRequest, RateServiceListResponse,
};

use super::Client;
use crate::Error;

impl Client {
    /// Offers a payment at the rates in force, for a while. For merchants and wallet operators. Nothing is recorded.
    ///
    /// # Errors
    /// As every call.
    pub async fn quote(&self, request: CreateRequest) -> Result<CreateResponse, Error> {
        Error::or_reply(&self.address, self.quotes.clone().create(request).await)
    }

    /// The rates in force.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_rates(&self) -> Result<RateServiceListResponse, Error> {
        Error::or_reply(&self.address, self.rates.clone().list(RateServiceListRequest {}).await)
    }

    /// A page of the published rates of one pair, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn rate_history(&self, request: HistoryRequest) -> Result<HistoryResponse, Error> {
        Error::or_reply(&self.address, self.rates.clone().history(request).await)
    }
}
