//! Wallet accounts, for wallet operators.

use domain::{AccountId, Command, Event, Evidence, IdempotencyKey, MoveFunds, Name, OnAccount, Submission, WalletId};
use money::Money;
use projections::{AccountState, AccountSummary, PostingRow};
use shard::Committed;
use tonic::{Request, Response, Status, metadata::MetadataMap};
use wire::{replies, requests, served, v1};

use crate::{Switch, deadline::Deadline, errors, metric_names::Method, switch::answer};

#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::account_service_server::AccountService for Accounts {
    async fn open(&self, request: Request<v1::OpenRequest>) -> Result<Response<v1::OpenResponse>, Status> {
        Method::Open.begin().end(self.open_now(request).await)
    }

    async fn deposit(&self, request: Request<v1::DepositRequest>) -> Result<Response<v1::DepositResponse>, Status> {
        let work = async {
            let (wallet, deadline) = self.caller(request.metadata())?;
            let (key, name, amount) =
                requests::deposit(request.get_ref(), wallet, &self.switch.digester).map_err(errors::invalid_field)?;
            let movement = self.move_funds(deadline, wallet, key, name, amount, Command::Deposit).await?;
            Ok(Response::new(v1::DepositResponse { movement: Some(movement) }))
        };
        Method::Deposit.begin().end(work.await)
    }

    async fn withdraw(&self, request: Request<v1::WithdrawRequest>) -> Result<Response<v1::WithdrawResponse>, Status> {
        let work = async {
            let (wallet, deadline) = self.caller(request.metadata())?;
            let (key, name, amount) =
                requests::withdraw(request.get_ref(), wallet, &self.switch.digester).map_err(errors::invalid_field)?;
            let movement = self.move_funds(deadline, wallet, key, name, amount, Command::Withdraw).await?;
            Ok(Response::new(v1::WithdrawResponse { movement: Some(movement) }))
        };
        Method::Withdraw.begin().end(work.await)
    }

    async fn close(&self, request: Request<v1::CloseRequest>) -> Result<Response<v1::CloseResponse>, Status> {
        Method::Close.begin().end(self.close_now(request).await)
    }

    async fn freeze(&self, request: Request<v1::FreezeRequest>) -> Result<Response<v1::FreezeResponse>, Status> {
        let work = async {
            let (wallet, deadline) = self.caller(request.metadata())?;
            let (key, name) = requests::freeze_account(request.get_ref(), wallet, &self.switch.digester)
                .map_err(errors::invalid_field)?;
            let committed = self.change_account(deadline, wallet, key, &name, Command::FreezeAccount).await?;
            let (create_time, lsn) = (Some(replies::timestamp(committed.record.at)), committed.record.lsn.get());
            Ok(answer(v1::FreezeResponse { create_time, lsn }, committed.repeated))
        };
        Method::Freeze.begin().end(work.await)
    }

    async fn unfreeze(&self, request: Request<v1::UnfreezeRequest>) -> Result<Response<v1::UnfreezeResponse>, Status> {
        let work = async {
            let (wallet, deadline) = self.caller(request.metadata())?;
            let (key, name) = requests::unfreeze_account(request.get_ref(), wallet, &self.switch.digester)
                .map_err(errors::invalid_field)?;
            let committed = self.change_account(deadline, wallet, key, &name, Command::UnfreezeAccount).await?;
            let (create_time, lsn) = (Some(replies::timestamp(committed.record.at)), committed.record.lsn.get());
            Ok(answer(v1::UnfreezeResponse { create_time, lsn }, committed.repeated))
        };
        Method::Unfreeze.begin().end(work.await)
    }

    async fn get(
        &self,
        request: Request<v1::AccountServiceGetRequest>,
    ) -> Result<Response<v1::AccountServiceGetResponse>, Status> {
        Method::GetAccount.begin().end(self.get_now(request).await)
    }

    async fn list_postings(
        &self,
        request: Request<v1::ListPostingsRequest>,
    ) -> Result<Response<v1::ListPostingsResponse>, Status> {
        Method::ListPostings.begin().end(self.list_postings_now(request).await)
    }
}

impl Accounts {
    async fn open_now(&self, request: Request<v1::OpenRequest>) -> Result<Response<v1::OpenResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let (key, open) =
            requests::open_account(request.get_ref(), wallet, &self.switch.digester).map_err(errors::invalid_field)?;
        let name = open.name.clone();
        let submission = Submission { key: Some(key), command: Command::OpenAccount(open) };
        let committed = self.switch.submit(deadline, submission, || name.to_string()).await?;

        let record = &committed.record;
        let Event::AccountOpened(account) = record.event else { return Err(errors::unexpected_record()) };
        let zero = Money::zero(account.currency);
        let opened = AccountSummary {
            state: AccountState::Open,
            opened_at: record.at,
            posted_balance: zero,
            held_balance: zero,
        };
        let account = Some(self.account_message(account, &opened));
        Ok(Response::new(v1::OpenResponse { account, lsn: record.lsn.get() }))
    }

    async fn move_funds(
        &self,
        deadline: Deadline,
        wallet: WalletId,
        key: IdempotencyKey,
        name: Name,
        amount: Money,
        command: impl FnOnce(MoveFunds) -> Command,
    ) -> Result<v1::Movement, Status> {
        let account = self.switch.account_of(wallet, &name);
        let submission = Submission { key: Some(key), command: command(MoveFunds { account, amount }) };
        let Committed { record, .. } = self.switch.submit(deadline, submission, || name.to_string()).await?;
        replies::movement(&record, &self.switch).ok_or_else(errors::unexpected_record)
    }

    async fn close_now(&self, request: Request<v1::CloseRequest>) -> Result<Response<v1::CloseResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let (key, name) =
            requests::close_account(request.get_ref(), wallet, &self.switch.digester).map_err(errors::invalid_field)?;
        let committed = self.change_account(deadline, wallet, key, &name, Command::CloseAccount).await?;
        let record = &committed.record;
        let reason = record.event.decline().map(|decline| replies::decline_reason(decline.reason));
        let decline_reason = reason.unwrap_or(v1::DeclineReason::Unspecified);
        Ok(Response::new(v1::CloseResponse {
            decline_reason: decline_reason.into(),
            create_time: Some(replies::timestamp(record.at)),
            lsn: record.lsn.get(),
        }))
    }

    async fn get_now(
        &self,
        request: Request<v1::AccountServiceGetRequest>,
    ) -> Result<Response<v1::AccountServiceGetResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let (account, summary) = self.read(deadline, wallet, &request.get_ref().account_id).await?;
        let applied_lsn = self.switch.boards.applied_lsn().get();
        let account = Some(self.account_message(account, &summary));
        Ok(Response::new(v1::AccountServiceGetResponse { account, applied_lsn }))
    }

    async fn list_postings_now(
        &self,
        request: Request<v1::ListPostingsRequest>,
    ) -> Result<Response<v1::ListPostingsResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let message = request.get_ref();
        // Postings are only ever added at the end, so a place in the list is a token that stays valid.
        let asked = requests::page(message.page_size, &message.page_token).map_err(errors::invalid_field)?;
        let (account, _) = self.read(deadline, wallet, &message.account_id).await?;
        let applied_lsn = self.switch.boards.applied_lsn().get();
        let page = self.switch.boards.postings(account, in_memory(asked.from), in_memory(u64::from(asked.rows)));
        let page = page.map_err(|error| errors::index_failed(&error))?;
        Ok(Response::new(v1::ListPostingsResponse {
            postings: page.rows.iter().map(|row| self.posting_message(row)).collect(),
            next_page_token: page.next.map(|index| index.to_string()).unwrap_or_default(),
            applied_lsn,
        }))
    }

    /// Closes, freezes or unfreezes.
    async fn change_account(
        &self,
        deadline: Deadline,
        wallet: WalletId,
        key: IdempotencyKey,
        name: &Name,
        command: impl FnOnce(OnAccount) -> Command,
    ) -> Result<Committed, Status> {
        let account = self.switch.account_of(wallet, name);
        let submission = Submission { key: Some(key), command: command(OnAccount { account }) };
        self.switch.submit(deadline, submission, || name.to_string()).await
    }

    fn caller(&self, metadata: &MetadataMap) -> Result<(WalletId, Deadline), Status> {
        let deadline = self.switch.deadline(metadata);
        Ok((self.switch.credentials.wallet(metadata)?, deadline))
    }

    async fn read(
        &self,
        deadline: Deadline,
        wallet: WalletId,
        account_id: &str,
    ) -> Result<(AccountId, AccountSummary), Status> {
        let name = requests::account_name(account_id).map_err(errors::invalid_field)?;
        self.switch.caught_up(deadline).await?;
        let Evidence::Present(account) = self.switch.account_of(wallet, &name) else {
            return Err(errors::account_not_found(name.as_str()));
        };
        let summary = self.switch.boards.account(account);
        summary.map(|summary| (account, summary)).ok_or_else(|| errors::account_not_found(name.as_str()))
    }

    fn account_message(&self, account: AccountId, summary: &AccountSummary) -> v1::Account {
        let state = match summary.state {
            AccountState::Open => v1::AccountState::Open,
            AccountState::Frozen => v1::AccountState::Frozen,
            AccountState::Closed => v1::AccountState::Closed,
        };
        v1::Account {
            account: Some(replies::account_reference(&self.switch, account)),
            currency_code: account.currency.code().to_owned(),
            state: state.into(),
            posted_balance: Some(replies::money(summary.posted_balance)),
            held_balance: Some(replies::money(summary.held_balance)),
            available_balance: Some(replies::money(summary.available_balance())),
            create_time: Some(replies::timestamp(summary.opened_at)),
        }
    }

    fn posting_message(&self, row: &PostingRow) -> v1::AccountPosting {
        v1::AccountPosting {
            posting: Some(replies::posting(&row.posting, &self.switch)),
            posted_balance: Some(replies::money(row.posted_balance)),
            payment_id: row.payment_id.map(|payment| payment.to_string()).unwrap_or_default(),
            create_time: Some(replies::timestamp(row.at)),
            lsn: row.lsn.get(),
        }
    }
}

/// A place or number of rows as the boards count them; what is beyond memory is beyond every list.
fn in_memory(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
