//! Offers to convert, for merchants and wallet operators.

use domain::{
    AccountId, AccountName, CardRefusal, CardToken, Evidence, MerchantId, Name, OfferedQuote, PayerFee, Refusal,
    Timestamp, Unavailable,
};
use money::Money;
use pipeline::CardEntry;
use shard::{Clock, Refused};
use tonic::{Request, Response, Status};
use wire::{replies, requests, requests::QuotedPayer, served, v1};

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
        match &asked.payer {
            QuotedPayer::Account(name) => self.for_account(caller, merchant, name, asked.presentment_amount),
            QuotedPayer::Card(token) => self.for_card(caller, merchant, *token, asked.presentment_amount),
        }
    }

    fn for_account(
        &self,
        caller: Principal,
        merchant: MerchantId,
        name: &AccountName,
        amount: Money,
    ) -> Result<Response<v1::CreateResponse>, Status> {
        let payer = self.payer(caller, name)?;
        let now = self.switch.clock.now();
        let offered = self.offer(now, (merchant, payer), None, amount);
        let offered = offered.map_err(|unavailable| errors::unavailable(unavailable, &account_text(name)))?;
        let quote = Some(self.shown(&offered, None, now)?);
        let quote_token = self.switch.signing_keys().quotes.sign(&offered);
        Ok(Response::new(v1::CreateResponse { quote, quote_token, ..v1::CreateResponse::default() }))
    }

    /// To be charged what is asked, or in the currency that the holder is billed in: where that is known and has a rate.
    fn for_card(
        &self,
        caller: Principal,
        merchant: MerchantId,
        token: CardToken,
        amount: Money,
    ) -> Result<Response<v1::CreateResponse>, Status> {
        let now = self.switch.clock.now();
        let refused = |refusal| errors::refused(&Refused::Engine(Refusal::Card(refusal)), &token.to_string(), now);
        let policy = self.switch.rate_book.policy();
        let rules = policy.as_ref().and_then(|policy| policy.cards.as_ref());
        let rules = rules.ok_or_else(|| refused(CardRefusal::NotTaken))?;
        let card = self.card(caller, token).ok_or_else(|| refused(CardRefusal::NotFound))?;
        let asked = amount.currency();
        if asked != rules.currency {
            return Err(refused(CardRefusal::CurrencyMismatch { rail: rules.currency, amount: asked }));
        }
        let mut currencies = vec![asked];
        currencies.extend(card.billing_currency.filter(|billing| *billing != asked));
        currencies.sort_unstable_by_key(|currency| currency.code());
        let mut card_offers = Vec::new();
        for currency in currencies {
            let payer = AccountId::scheme_receivable(card.face.scheme, currency);
            let offered = match self.offer(now, (merchant, payer), Some(token), amount) {
                Ok(offered) => offered,
                // What cannot be converted is not offered; what is asked can always be charged.
                Err(_) if currency != asked => continue,
                Err(unavailable) => return Err(errors::unavailable(unavailable, &token.to_string())),
            };
            card_offers.push(v1::CardOffer {
                quote: Some(self.shown(&offered, rules.fee_at(now), now)?),
                quote_token: self.switch.signing_keys().quotes.sign(&offered),
                converter: replies::converter(&offered.offer).into(),
            });
        }
        let payer_text = replies::offers_text(&card_offers);
        Ok(Response::new(v1::CreateResponse { card_offers, payer_text, ..v1::CreateResponse::default() }))
    }

    fn offer(
        &self,
        now: Timestamp,
        parties: (MerchantId, AccountId),
        card: Option<CardToken>,
        amount: Money,
    ) -> Result<OfferedQuote, Unavailable> {
        let switch = &self.switch;
        pipeline::offer(&switch.directory, &switch.rate_book, now, switch.ids.quote(now), parties, card, amount)
    }

    fn shown(&self, offered: &OfferedQuote, fee: Option<PayerFee>, now: Timestamp) -> Result<v1::Quote, Status> {
        let terms = self.switch.directory.merchant_terms(offered.offer.merchant);
        let discount = terms.ok_or_else(errors::unexpected_record)?.discount;
        let quote = replies::quote(offered, (discount, fee), now, &self.switch);
        quote.ok_or_else(errors::amount_cannot_be_quoted)
    }

    /// The card it would charge; to a wallet operator there are none but those of its persons.
    fn card(&self, caller: Principal, token: CardToken) -> Option<CardEntry> {
        let card = self.switch.directory.card(token).filter(|card| card.bound)?;
        match caller {
            Principal::Wallet(wallet) => (card.wallet == wallet).then_some(card),
            Principal::Merchant(_) | Principal::Operator => Some(card),
        }
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
