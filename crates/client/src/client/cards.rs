//! Foreign cards, for wallet operators.

use wire::v1::{
    BindRequest, BindResponse, CardServiceGetRequest, CardServiceGetResponse, CardServiceListRequest,
    CardServiceListResponse, UnbindRequest, UnbindResponse,
};

use super::Client;
use crate::Error;

impl Client {
    /// Whether a card's number may be given to this daemon. The number goes as it stands, and connections are not encrypted: so
    /// only to one on this machine. Whoever has still to ask for the number asks this first.
    ///
    /// # Errors
    /// [`Error::PlainText`].
    pub fn may_bind_cards(&self) -> Result<(), Error> {
        match self.address.is_loopback() {
            true => Ok(()),
            false => Err(Error::PlainText { address: self.address.clone() }),
        }
    }

    /// Gives a card's number to the vault, for a token. For wallet operators, as all calls on cards.
    ///
    /// # Errors
    /// As every call, and as [`Self::may_bind_cards`]: then nothing was sent. A decline is a reply.
    pub async fn bind_card(&self, request: BindRequest) -> Result<BindResponse, Error> {
        self.may_bind_cards()?;
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::Options;

    async fn bind_at(address: &str) -> Error {
        let request = BindRequest { pan: "4242424242424242".to_owned(), ..BindRequest::default() };
        let client = Client::lazy(&address.parse().unwrap(), &"key".parse().unwrap(), Options::default());
        client.bind_card(request).await.unwrap_err()
    }

    /// A call would fail otherwise: an address for documentation is nobody's, and at the other nobody listens any more.
    #[tokio::test(flavor = "current_thread")]
    async fn a_card_s_number_is_not_sent_away_in_plain_text() {
        let error = bind_at("192.0.2.1:7450").await;
        assert!(matches!(error, Error::PlainText { .. }), "{error:?}");
        assert!(!error.outcome_is_unknown());
        let expected =
            "a card's number does not leave this machine unencrypted: http://192.0.2.1:7450 is not a loopback address";
        assert_eq!(error.to_string(), expected);
        let here = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let error = bind_at(&here).await;
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    }
}
