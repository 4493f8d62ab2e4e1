//! Consents of payers, for wallet operators.

use wire::v1::{
    ApproveOrderRequest, ApproveOrderResponse, GrantMandateRequest, GrantMandateResponse, IssueCodeRequest,
    IssueCodeResponse, RevokeMandateRequest, RevokeMandateResponse,
};

use super::Client;
use crate::Error;

impl Client {
    /// Gives out a one-time code for one merchant. For wallet operators, as all calls on consents.
    ///
    /// # Errors
    /// As every call.
    pub async fn issue_code(&self, request: IssueCodeRequest) -> Result<IssueCodeResponse, Error> {
        Error::or_reply(&self.address, self.consents.clone().issue_code(request).await)
    }

    /// Approves one merchant order.
    ///
    /// # Errors
    /// As every call.
    pub async fn approve_order(&self, request: ApproveOrderRequest) -> Result<ApproveOrderResponse, Error> {
        Error::or_reply(&self.address, self.consents.clone().approve_order(request).await)
    }

    /// Lets one merchant debit an account within bounds.
    ///
    /// # Errors
    /// As every call.
    pub async fn grant_mandate(&self, request: GrantMandateRequest) -> Result<GrantMandateResponse, Error> {
        Error::or_reply(&self.address, self.consents.clone().grant_mandate(request).await)
    }

    /// Ends a mandate.
    ///
    /// # Errors
    /// As every call.
    pub async fn revoke_mandate(&self, request: RevokeMandateRequest) -> Result<RevokeMandateResponse, Error> {
        Error::or_reply(&self.address, self.consents.clone().revoke_mandate(request).await)
    }
}
