//! Accounts, for wallet operators.

use wire::v1::{
    AccountServiceGetRequest, AccountServiceGetResponse, CloseRequest, CloseResponse, DepositRequest, DepositResponse,
    FreezeRequest, FreezeResponse, ListPostingsRequest, ListPostingsResponse, OpenRequest, OpenResponse,
    UnfreezeRequest, UnfreezeResponse, WithdrawRequest, WithdrawResponse,
};

use super::Client;
use crate::Error;

impl Client {
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

    /// Declines new debits of an account until it is unfrozen.
    ///
    /// # Errors
    /// As every call.
    pub async fn freeze(&self, request: FreezeRequest) -> Result<FreezeResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().freeze(request).await)
    }

    /// Ends a freeze.
    ///
    /// # Errors
    /// As every call.
    pub async fn unfreeze(&self, request: UnfreezeRequest) -> Result<UnfreezeResponse, Error> {
        Error::or_reply(&self.address, self.accounts.clone().unfreeze(request).await)
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
}
