//! Calls of merchants, and quotes.

use domain::{
    AccountName, AuthorizeTogether, Command, Evidence, KeyedPayment, MerchantId, OfferedQuote, PaymentId, QuoteId,
    RefundId, Submission, Unavailable,
};
use money::{Currency, Money};
use pipeline::IncreaseRequest;
use wire::{requests, v1};

use super::{Aside, Door, checked_name, keyed, message_money, uuid};
use crate::request::{Agreed, Ask, Keyed, Mode, Pay, QuoteAsk, Rest, id_of, wallet_name};
use crate::switch::NO_FAULT;

impl Door<'_> {
    pub(super) fn merchant_call(
        &self,
        merchant: MerchantId,
        ask: &Ask,
        idempotency_key: String,
        aside: Aside,
    ) -> Result<Submission, String> {
        let digester = &self.keys.digester;
        let text = |why: requests::InvalidField| format!("{why}, for {ask:?}");
        match ask {
            Ask::Pay(pay) => self.pay(merchant, pay, idempotency_key, aside),
            Ask::Together(payments) => self.pay_together(merchant, payments, aside),
            Ask::Capture { payment, amount, rest } => {
                let message = v1::CaptureRequest {
                    idempotency_key,
                    payment_id: uuid(payment),
                    amount: message_money(*amount),
                    r#final: *rest == Rest::Released,
                };
                let (key, capture) = requests::capture(&message, merchant, digester).map_err(text)?;
                Ok(keyed((key, Command::CapturePayment(capture))))
            }
            Ask::Void { payment } => {
                let message = v1::VoidRequest { idempotency_key, payment_id: uuid(payment) };
                let (key, void) = requests::void(&message, merchant, digester).map_err(text)?;
                Ok(keyed((key, Command::VoidPayment(void))))
            }
            Ask::Refund { payment, amount } => {
                let (payment_id, amount) = (uuid(payment), message_money(*amount));
                let message = v1::RefundRequest { idempotency_key, payment_id, amount };
                let refund = RefundId::from_bytes(aside.id);
                let (key, refund) = requests::refund(&message, merchant, refund, digester).map_err(text)?;
                Ok(keyed((key, Command::RefundPayment(refund))))
            }
            Ask::Increase { payment, amount, code } => {
                let message = v1::IncreaseAuthorizationRequest {
                    idempotency_key,
                    payment_id: uuid(payment),
                    amount: message_money(*amount),
                    payer_code: code.as_ref().map(|code| self.code_text(code)).transpose()?.unwrap_or_default(),
                };
                let (key, asked) = requests::increase(&message, merchant, digester).map_err(text)?;
                let request = IncreaseRequest {
                    key,
                    merchant,
                    payment_id: asked.payment_id,
                    amount: asked.amount,
                    consent: asked.consent,
                    payer: self.payer_of(merchant, asked.payment_id),
                };
                Ok(pipeline::increase(self.directory, self.rate_book, self.now, request))
            }
            _ => Err(format!("a merchant does not ask for {ask:?}")),
        }
    }

    /// Whom a merchant's own payment debits.
    fn payer_of(&self, merchant: MerchantId, payment: PaymentId) -> Evidence<domain::AccountId> {
        let view = self.boards.payment(payment).expect(NO_FAULT);
        let view = view.filter(|view| view.merchant() == merchant && view.totals().is_some());
        view.map_or(Evidence::Unavailable(Unavailable::PaymentNotFound), |view| view.authorize().payer.clone())
    }

    /// What the owner of a sandbox ordered is for the first.
    fn pay_together(&self, merchant: MerchantId, payments: &[Keyed], aside: Aside) -> Result<Submission, String> {
        let payments = payments.iter().enumerate().map(|(position, Keyed { key, pay })| {
            let ordered = aside.ordered.filter(|_| position == 0);
            let submission = self.pay(merchant, pay, key.clone(), Aside { id: id_of(aside.id, position), ordered })?;
            match submission {
                Submission { key: Some(key), command: Command::AuthorizePayment(authorize) } => {
                    Ok(KeyedPayment { key, authorize })
                }
                other => Err(format!("not a payment: {other:?}")),
            }
        });
        let together = AuthorizeTogether::new(payments.collect::<Result<_, String>>()?).ok_or("too few or too many")?;
        Ok(Submission { key: None, command: Command::AuthorizeTogether(together) })
    }

    fn pay(
        &self,
        merchant: MerchantId,
        pay: &Pay,
        idempotency_key: String,
        aside: Aside,
    ) -> Result<Submission, String> {
        let named = |wallet: u32, account: &str| {
            Some(v1::AccountReference { wallet_id: wallet_name(wallet), account_id: account.to_owned() })
        };
        let (mut payer, mut payer_code, mut mandate_id) = (None, String::new(), String::new());
        match &pay.agreed {
            Agreed::Named { wallet, account } | Agreed::Order { wallet, account } => payer = named(*wallet, account),
            Agreed::Code(code) => payer_code = self.code_text(code)?,
            Agreed::Mandate(mandate) => mandate_id = uuid(mandate),
        }
        let token = pay.quote.map(|id| {
            let known = self.keys.tokens.iter().find(|(known, _)| *known == id);
            known.map_or_else(|| uuid(&id), |(_, token)| token.clone())
        });
        let message = v1::AuthorizeRequest {
            idempotency_key,
            merchant_order_id: pay.order.clone(),
            payer,
            presentment_amount: message_money(pay.amount),
            capture_mode: match pay.mode {
                Mode::Automatic => v1::CaptureMode::Unspecified,
                Mode::Manual => v1::CaptureMode::Manual,
            }
            .into(),
            payer_code,
            mandate_id,
            order_approved: matches!(pay.agreed, Agreed::Order { .. }),
            quote_token: token.unwrap_or_default(),
            max_debit_amount: pay.most.and_then(message_money),
            card_token: String::new(),
        };
        let id = PaymentId::from_bytes(aside.id);
        let keys = self.keys;
        let parsed = requests::payment_request(&message, merchant, id, &keys.quote_tokens, &keys.digester);
        let mut request = parsed.map_err(|why| format!("{why}, for {pay:?}"))?;
        request.sandbox_decline = aside.ordered;
        let routed = pipeline::route(self.directory, request);
        Ok(pipeline::assemble(pipeline::convert(self.directory, self.rate_book, self.now, routed)))
    }

    /// What the switch offers to somebody who asks; `None` when the payer or the merchant is not known.
    pub(crate) fn offer(&self, ask: &QuoteAsk, id: crate::request::Id) -> Result<Option<Offer>, String> {
        let wallet = checked_name(&wallet_name(ask.wallet))?;
        let name = AccountName { wallet, account: checked_name(&ask.account)? };
        let Some(payer) = self.directory.account(&name) else { return Ok(None) };
        let merchant = MerchantId(ask.merchant);
        if self.directory.merchant_name(merchant).is_none() {
            return Ok(None);
        }
        let currency = Currency::from_code(ask.amount.currency).map_err(|why| why.to_string())?;
        let amount = Money::new(currency, i128::from(ask.amount.units));
        let (directory, rates, parties) = (self.directory, self.rate_book, (merchant, payer));
        Ok(Some(pipeline::offer(directory, rates, self.now, QuoteId::from_bytes(id), parties, None, amount)))
    }
}

/// An offer, or why there is none.
pub(crate) type Offer = Result<OfferedQuote, Unavailable>;
