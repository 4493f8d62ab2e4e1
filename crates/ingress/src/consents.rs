//! Consents of payers, for wallet operators.

use domain::{
    ApproveCardOrder, ApproveOrder, Command, Event, Evidence, GrantMandate, IdempotencyKey, IssueCode, Name,
    Submission, WalletId,
};
use shard::{Clock, Committed};
use tonic::{Request, Response, Status, metadata::MetadataMap};
use wire::{
    replies,
    requests::{self, ApprovedPayer, OrderApproval},
    served, v1,
};

use crate::{Switch, deadline::Deadline, errors, metric_names::Method, switch::answer};

#[derive(Debug)]
pub(crate) struct Consents {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::consent_service_server::ConsentService for Consents {
    async fn issue_code(
        &self,
        request: Request<v1::IssueCodeRequest>,
    ) -> Result<Response<v1::IssueCodeResponse>, Status> {
        Method::IssueCode.begin().end(self.issue_code_now(request).await)
    }

    async fn approve_order(
        &self,
        request: Request<v1::ApproveOrderRequest>,
    ) -> Result<Response<v1::ApproveOrderResponse>, Status> {
        Method::ApproveOrder.begin().end(self.approve_order_now(request).await)
    }

    async fn grant_mandate(
        &self,
        request: Request<v1::GrantMandateRequest>,
    ) -> Result<Response<v1::GrantMandateResponse>, Status> {
        Method::GrantMandate.begin().end(self.grant_mandate_now(request).await)
    }

    async fn revoke_mandate(
        &self,
        request: Request<v1::RevokeMandateRequest>,
    ) -> Result<Response<v1::RevokeMandateResponse>, Status> {
        Method::RevokeMandate.begin().end(self.revoke_mandate_now(request).await)
    }
}

impl Consents {
    async fn issue_code_now(
        &self,
        request: Request<v1::IssueCodeRequest>,
    ) -> Result<Response<v1::IssueCodeResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let digester = &self.switch.digester;
        let (key, asked) = requests::issue_code(request.get_ref(), wallet, digester).map_err(errors::invalid_field)?;
        let issue = IssueCode {
            account: self.switch.account_of(wallet, &asked.account),
            merchant: self.switch.merchant_named(&asked.merchant),
            debit_amount_max: asked.debit_amount_max,
            code: asked.code,
        };
        let subject = self.subject(wallet, &asked.account, &asked.merchant);
        let committed = self.submit(deadline, key, Command::IssueCode(issue), &subject).await?;
        let Event::CodeIssued { expires_at } = committed.record.event else {
            return Err(errors::unexpected_record());
        };
        let message = v1::IssueCodeResponse {
            payer_code: digester.payer_code(&key),
            expire_time: Some(replies::timestamp(expires_at)),
            lsn: committed.record.lsn.get(),
        };
        Ok(answer(message, committed.repeated))
    }

    async fn approve_order_now(
        &self,
        request: Request<v1::ApproveOrderRequest>,
    ) -> Result<Response<v1::ApproveOrderResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let (key, asked) =
            requests::approve_order(request.get_ref(), wallet, &self.switch.digester).map_err(errors::invalid_field)?;
        let OrderApproval { payer, merchant: name, merchant_order_digest, debit_amount_max, expires_at } = asked;
        let merchant = self.switch.merchant_named(&name);
        let (command, subject) = match payer {
            ApprovedPayer::Account(account) => {
                let subject = self.subject(wallet, &account, &name);
                let account = self.switch.account_of(wallet, &account);
                let approve = ApproveOrder { account, merchant, merchant_order_digest, debit_amount_max, expires_at };
                (Command::ApproveOrder(approve), subject)
            }
            ApprovedPayer::Card(token) => {
                let is_bound =
                    self.switch.directory.card(token).is_some_and(|card| card.wallet == wallet && card.bound);
                let subject = if is_bound { name.to_string() } else { token.to_string() };
                let approve =
                    ApproveCardOrder { wallet, token, merchant, merchant_order_digest, debit_amount_max, expires_at };
                (Command::ApproveCardOrder(approve), subject)
            }
        };
        let committed = self.submit(deadline, key, command, &subject).await?;
        Ok(answer(v1::ApproveOrderResponse { lsn: committed.record.lsn.get() }, committed.repeated))
    }

    async fn grant_mandate_now(
        &self,
        request: Request<v1::GrantMandateRequest>,
    ) -> Result<Response<v1::GrantMandateResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let (key, asked) =
            requests::grant_mandate(request.get_ref(), wallet, &self.switch.digester).map_err(errors::invalid_field)?;
        let grant = GrantMandate {
            mandate_id: self.switch.ids.mandate(self.switch.clock.now()),
            account: self.switch.account_of(wallet, &asked.account),
            merchant: self.switch.merchant_named(&asked.merchant),
            payment_debit_max: asked.payment_debit_max,
            period_debit_max: asked.period_debit_max,
            period_ms: asked.period_ms,
            expires_at: asked.expires_at,
        };
        let subject = self.subject(wallet, &asked.account, &asked.merchant);
        let committed = self.submit(deadline, key, Command::GrantMandate(grant), &subject).await?;
        // A repeat is told the id of the first.
        let Command::GrantMandate(granted) = &committed.record.command else { return Err(errors::unexpected_record()) };
        let mandate_id = granted.mandate_id.to_string();
        Ok(answer(v1::GrantMandateResponse { mandate_id, lsn: committed.record.lsn.get() }, committed.repeated))
    }

    async fn revoke_mandate_now(
        &self,
        request: Request<v1::RevokeMandateRequest>,
    ) -> Result<Response<v1::RevokeMandateResponse>, Status> {
        let (wallet, deadline) = self.caller(request.metadata())?;
        let (key, revoke) = requests::revoke_mandate(request.get_ref(), wallet, &self.switch.digester)
            .map_err(errors::invalid_field)?;
        let mandate_id = revoke.mandate_id;
        let submission = Submission { key: Some(key), command: Command::RevokeMandate(revoke) };
        let committed = self.switch.submit(deadline, submission, || mandate_id.to_string()).await?;
        Ok(answer(v1::RevokeMandateResponse { lsn: committed.record.lsn.get() }, committed.repeated))
    }

    fn caller(&self, metadata: &MetadataMap) -> Result<(WalletId, Deadline), Status> {
        let deadline = self.switch.deadline(metadata);
        Ok((self.switch.credentials.wallet(metadata)?, deadline))
    }

    async fn submit(
        &self,
        deadline: Deadline,
        key: IdempotencyKey,
        command: Command,
        subject: &str,
    ) -> Result<Committed, Status> {
        self.switch.submit(deadline, Submission { key: Some(key), command }, || subject.to_owned()).await
    }

    /// What is not there, if one of the two is not: the account is looked for first.
    fn subject(&self, wallet: WalletId, account: &Name, merchant: &Name) -> String {
        match self.switch.account_of(wallet, account) {
            Evidence::Present(_) => merchant.to_string(),
            Evidence::Unavailable(_) => account.to_string(),
        }
    }
}
