//! Persons who pay by card, for wallet operators.

use wire::v1::{AssertRequest, AssertResponse, PersonServiceGetRequest, PersonServiceGetResponse};

use super::Client;
use crate::Error;

impl Client {
    /// Says how well a person is known. For wallet operators, as all calls on persons.
    ///
    /// # Errors
    /// As every call.
    pub async fn assert_person(&self, request: AssertRequest) -> Result<AssertResponse, Error> {
        Error::or_reply(&self.address, self.persons.clone().assert(request).await)
    }

    /// One person.
    ///
    /// # Errors
    /// As every call.
    pub async fn person(&self, request: PersonServiceGetRequest) -> Result<PersonServiceGetResponse, Error> {
        Error::or_reply(&self.address, self.persons.clone().get(request).await)
    }
}
