//! Receipts, for whoever may see the payment.

use projections::PaymentView;
use tonic::{Request, Response, Status};
use wire::{requests, served, v1};

use crate::{Principal, Switch, errors, metric_names::Method, payment_messages};

#[derive(Debug)]
pub(crate) struct Receipts {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::receipt_service_server::ReceiptService for Receipts {
    async fn get(
        &self,
        request: Request<v1::ReceiptServiceGetRequest>,
    ) -> Result<Response<v1::ReceiptServiceGetResponse>, Status> {
        Method::GetReceipt.begin().end(self.get_now(request).await)
    }

    async fn list_keys(&self, request: Request<v1::ListKeysRequest>) -> Result<Response<v1::ListKeysResponse>, Status> {
        let work = async {
            self.switch.credentials.principal(request.metadata())?;
            Ok(Response::new(v1::ListKeysResponse { keys: self.switch.signing_keys().receipts.list() }))
        };
        Method::ListReceiptKeys.begin().end(work.await)
    }
}

impl Receipts {
    async fn get_now(
        &self,
        request: Request<v1::ReceiptServiceGetRequest>,
    ) -> Result<Response<v1::ReceiptServiceGetResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let caller = switch.credentials.principal(request.metadata())?;
        let asked = requests::receipt(request.get_ref()).map_err(errors::invalid_field)?;
        switch.caught_up(deadline).await?;

        let not_found = || errors::payment_not_found(&asked.payment_id.to_string());
        let now = switch.payment(asked.payment_id)?.filter(|payment| self.may_see(caller, payment));
        let now = now.ok_or_else(not_found)?;
        let outcome = match asked.lsn {
            None => now,
            Some(lsn) => switch
                .boards
                .payment_at(asked.payment_id, lsn)
                .map_err(|error| errors::index_failed(&error))?
                .ok_or_else(|| errors::receipt_not_found(&asked.payment_id.to_string(), lsn.get()))?,
        };
        // The mark of a record's batch is on the boards before the record is.
        let chain = switch.boards.chain_at(outcome.record().lsn).map_err(|error| errors::index_failed(&error))?;
        let chain = chain.ok_or_else(errors::unexpected_record)?;
        let statement = payment_messages::statement(&outcome, chain, switch)?;
        let receipt = switch.signing_keys().receipts.current().issue(statement);
        Ok(Response::new(receipt.ok_or_else(errors::unexpected_record)?))
    }

    /// The merchant of the payment, the wallet operator of its payer, and the switch's operator.
    fn may_see(&self, caller: Principal, payment: &PaymentView) -> bool {
        match caller {
            Principal::Operator => true,
            Principal::Merchant(merchant) => payment.merchant() == merchant,
            Principal::Wallet(wallet) => {
                let ours = self.switch.directory.wallet_name(wallet);
                let theirs = payment.payer().and_then(|payer| self.switch.directory.account_name(payer));
                ours.is_some() && ours == theirs.map(|name| name.wallet)
            }
        }
    }
}
