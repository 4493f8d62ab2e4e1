//! Foreign cards, for wallet operators.

use wire::v1::{
    BindRequest, BindResponse, CardServiceGetRequest, CardServiceGetResponse, CardServiceListRequest,
    CardServiceListResponse, UnbindRequest, UnbindResponse,
};

use super::Client;
use crate::Error;

impl Client {
    /// Gives a card's number to the vault, for a token. For wallet operators, as all calls on cards.
    ///
    /// The number goes as it stands, and this connection is not encrypted: it is the caller who sees to it that the number does
    /// not leave the machine.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn bind_card(&self, request: BindRequest) -> Result<BindResponse, Error> {
        Error::or_reply(&self.address, self.cards.clone().bind(request).await)
    }

    /// Ends a card's token and destroys its number.
    ///
    /// # Errors
    /// As every call.
    pub async fn unbind_card(&self, request: UnbindRequest) -> Result<UnbindResponse, Error> {
        Error::or_reply(&self.address, self.cards.clone().unbind(request).await)
    }

    /// One card, without its number.
    ///
    /// # Errors
    /// As every call.
    pub async fn card(&self, request: CardServiceGetRequest) -> Result<CardServiceGetResponse, Error> {
        Error::or_reply(&self.address, self.cards.clone().get(request).await)
    }

    /// The cards of a person, oldest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_cards(&self, request: CardServiceListRequest) -> Result<CardServiceListResponse, Error> {
        Error::or_reply(&self.address, self.cards.clone().list(request).await)
    }
}
