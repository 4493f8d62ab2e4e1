//! Offers to convert, for merchants and wallet operators.

use domain::{AccountId, AccountName, Evidence, MerchantId, Name};
use shard::Clock;
use tonic::{Request, Response, Status};
use wire::{replies, requests, served, v1};

use crate::{Principal, Switch, errors, metric_names::Method};

#[derive(Debug)]
pub(crate) struct Quotes {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::quote_service_server::QuoteService for Quotes {
    async fn create(&self, request: Request<v1::CreateRequest>) -> Result<Response<v1::CreateResponse>, Status> {
        Method::CreateQuote.begin().end(self.create_now(request).await)
    }
}

impl Quotes {
    async fn create_now(&self, request: Request<v1::CreateRequest>) -> Result<Response<v1::CreateResponse>, Status> {
        let switch = &self.switch;
        let caller = switch.credentials.principal(request.metadata())?;
        let asked = requests::quote(request.get_ref()).map_err(errors::invalid_field)?;
        let merchant = self.merchant(caller, asked.merchant.as_ref())?;
        let payer = self.payer(caller, &asked.payer)?;

        let now = switch.clock.now();
        let parties = (merchant, payer);
        let offered = pipeline::offer(
            &switch.directory,
            &switch.rate_book,
            now,
            switch.ids.quote(now),
            parties,
            asked.presentment_amount,
        );
        let offered = offered.map_err(|unavailable| errors::unavailable(unavailable, &account_text(&asked.payer)))?;
        let terms = switch.directory.merchant_terms(merchant).ok_or_else(errors::unexpected_record)?;
        let quote = replies::quote(&offered, terms.discount, now, switch);
        let quote = Some(quote.ok_or_else(errors::amount_cannot_be_quoted)?);
        Ok(Response::new(v1::CreateResponse { quote, quote_token: switch.signing_keys().quotes.sign(&offered) }))
    }

    /// For whom: a merchant for itself, a wallet operator for the one it names.
    fn merchant(&self, caller: Principal, named: Option<&Name>) -> Result<MerchantId, Status> {
        let found = named.map(|name| {
            let merchant = self.switch.directory.merchant(name);
            merchant
                .filter(|merchant| match caller {
                    Principal::Merchant(ours) => *merchant == ours,
                    Principal::Wallet(_) | Principal::Operator => true,
                })
                .ok_or_else(|| errors::merchant_not_found(name.as_str()))
        });
        match (found.transpose()?, caller) {
            (_, Principal::Operator) => Err(errors::not_for_this_principal("merchants and wallet operators")),
            (Some(merchant), _) | (None, Principal::Merchant(merchant)) => Ok(merchant),
            (None, Principal::Wallet(_)) => Err(errors::field_missing("merchant_id")),
        }
    }

    /// Whom it would debit; to a wallet operator there are no accounts but its own.
    fn payer(&self, caller: Principal, payer: &AccountName) -> Result<AccountId, Status> {
        let found = match caller {
            Principal::Wallet(wallet) if self.switch.directory.wallet(&payer.wallet) != Some(wallet) => None,
            Principal::Wallet(wallet) => match self.switch.account_of(wallet, &payer.account) {
                Evidence::Present(account) => Some(account),
                Evidence::Unavailable(_) => None,
            },
            Principal::Merchant(_) | Principal::Operator => self.switch.directory.account(payer),
        };
        found.ok_or_else(|| errors::account_not_found(&account_text(payer)))
    }
}

fn account_text(account: &AccountName) -> String {
    format!("{}/{}", account.wallet, account.account)
}
