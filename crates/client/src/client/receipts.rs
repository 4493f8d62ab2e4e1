//! Receipts, for the merchant of a payment and the wallet operator of its payer.

use wire::v1::{ListKeysRequest, ListKeysResponse, ReceiptServiceGetRequest, ReceiptServiceGetResponse};

use super::Client;
use crate::Error;

impl Client {
    /// The signed receipt of one outcome. The same outcome gives the same bytes.
    ///
    /// # Errors
    /// As every call.
    pub async fn receipt(&self, request: ReceiptServiceGetRequest) -> Result<ReceiptServiceGetResponse, Error> {
        Error::or_reply(&self.address, self.receipts.clone().get(request).await)
    }

    /// The public keys that receipts are signed with, the one in use first. For every credential.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_receipt_keys(&self) -> Result<ListKeysResponse, Error> {
        Error::or_reply(&self.address, self.receipts.clone().list_keys(ListKeysRequest {}).await)
    }
}
