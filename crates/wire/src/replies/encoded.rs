//! The answer to a request to be paid, encoded as it is made. It is the answer that is given most.

use std::cell::OnceCell;

use domain::{
    AccountId, AccountName, AuthorizePayment, CardFace, CardToken, Converted, Decline, Event, MerchantId, Name,
    PaymentAmount, PaymentTotals, Posting, Pricing, Quote, Record, SettlementQuote, Timestamp,
};
use money::{ExactRate, Money, Ratio};

use super::{
    Label, Names, capture_mode, consent_kind, conversion, decline_reason, decline_text, minor_units,
    payment::{Effect, effect},
    payment_state, rates, timestamp,
};
use crate::{protobuf::Fields, served::Encoded, v1};

/// Most answers are shorter, in bytes.
const PAYMENT_BYTES: usize = 950;

/// The payment of the record that decided it: [`payment`](super::payment) of this record alone, encoded.
#[must_use]
pub fn encoded_payment(record: &Record, names: &dyn Names) -> Option<Encoded<v1::Payment>> {
    let domain::Command::AuthorizePayment(command) = &record.command else { return None };
    if command.consent.card().is_some() {
        // Its issuer takes longer than any encoding.
        return super::payment(record, record, names).map(|payment| Encoded::from(&payment));
    }
    let approved = match record.event.decline() {
        Some(_) => None,
        None => Some(Approved::of(record, command)?),
    };
    let names = Known::new(names, command);
    Some(Encoded::written(PAYMENT_BYTES, |bytes| {
        write(&mut Fields::of(bytes), record, command, approved.as_ref(), &names);
    }))
}

/// What an approval says beyond what was asked.
struct Approved<'a> {
    after: PaymentTotals,
    discount: Option<Money>,
    postings: &'a [Posting],
    expires_at: Option<Timestamp>,
}

impl<'a> Approved<'a> {
    fn of(record: &'a Record, command: &AuthorizePayment) -> Option<Self> {
        let Effect { after, postings, .. } = effect(&record.event)?;
        let after = after?;
        let conversions = command.converted.present()?;
        let gross = conversion::gross(&conversions.settlement, command.presentment_amount)?;
        let held = if let Event::PaymentAuthorized(held) = &record.event { Some(held.expires_at) } else { None };
        let discount = gross.checked_sub(after.authorized.settlement).ok();
        Some(Self { after, discount, postings, expires_at: held })
    }
}

fn write(
    fields: &mut Fields<'_>,
    record: &Record,
    command: &AuthorizePayment,
    approved: Option<&Approved<'_>>,
    names: &Known<'_>,
) {
    let presentment = command.presentment_amount;
    let conversions = command.converted.present();
    fields.bytes(1, &command.payment_id.written());
    fields.text(2, names.merchant(command.merchant).as_ref().map_or("", Name::as_str));
    fields.text(3, command.merchant_order_id.as_str());
    if let Some(payer) = command.payer.present().filter(|payer| payer.scheme().is_none()) {
        fields.message(4, |fields| account(fields, names.account(*payer).as_ref()));
    }
    match (approved, record.event.decline()) {
        (Some(approved), _) => fields.signed(5, payment_state(approved.after.state) as i32),
        (None, Some(decline)) => declined(fields, decline),
        (None, None) => {}
    }
    money(fields, 8, Some(presentment));
    money(fields, 9, conversions.and_then(|of| conversion::debit(&of.debit, presentment)));
    money(fields, 10, approved.map(|approved| approved.after.authorized.settlement));
    money(fields, 11, approved.and_then(|approved| approved.discount));
    if let Some(Converted::Quoted(quote)) = conversions.map(|of| &of.debit) {
        fields.message(12, |fields| towards_payer(fields, quote, record.at));
    }
    for posting in approved.map_or(&[][..], |approved| approved.postings) {
        fields.message(13, |fields| {
            fields.written(1, |text| Label { account: posting.debit(), names }.write_to(text));
            fields.written(2, |text| Label { account: posting.credit(), names }.write_to(text));
            money(fields, 3, Some(posting.amount()));
        });
    }
    moment(fields, 14, record.at);
    fields.unsigned(15, record.lsn.get());
    if let Some(Approved { after, expires_at, .. }) = approved {
        for (number, amount) in [(16, &after.authorized), (17, &after.captured), (18, &after.refunded)] {
            fields.message(number, |fields| amounts(fields, amount));
        }
        money(fields, 19, Some(after.held));
        if let Some(expires_at) = expires_at {
            moment(fields, 20, *expires_at);
        }
    }
    if let Some(Converted::Quoted(quote)) = conversions.map(|of| &of.settlement) {
        fields.message(21, |fields| towards_merchant(fields, quote, presentment, record.at));
    }
    fields.signed(22, capture_mode(command.capture_mode) as i32);
    fields.signed(23, consent_kind(command.consent) as i32);
    if let Some(offer) = &command.offer {
        fields.bytes(24, &offer.quote_id.written());
    }
    moment(fields, 25, record.at);
    if let Some(decline) = record.event.decline() {
        fields.text(27, decline_text::payer_text(decline.reason));
        fields.text(28, decline_text::merchant_text(decline.reason));
    }
}

fn declined(fields: &mut Fields<'_>, decline: &Decline) {
    fields.signed(5, v1::PaymentState::Declined as i32);
    fields.signed(6, decline_reason(decline.reason) as i32);
    if let Some(payment) = decline.paid_by {
        fields.bytes(7, &payment.written());
    }
}

fn account(fields: &mut Fields<'_>, name: Option<&AccountName>) {
    if let Some(AccountName { wallet, account }) = name {
        fields.text(1, wallet.as_str());
        fields.text(2, account.as_str());
    }
}

fn money(fields: &mut Fields<'_>, number: u32, money: Option<Money>) {
    if let Some(money) = money {
        fields.message(number, |fields| {
            fields.text(1, money.currency().code());
            fields.signed(2, minor_units(money));
        });
    }
}

fn amounts(fields: &mut Fields<'_>, amount: &PaymentAmount) {
    let PaymentAmount { presentment, debit, settlement } = amount;
    money(fields, 1, Some(*presentment));
    money(fields, 2, Some(*debit));
    money(fields, 3, Some(*settlement));
}

fn moment(fields: &mut Fields<'_>, number: u32, at: Timestamp) {
    let pbjson_types::Timestamp { seconds, nanos } = timestamp(at);
    fields.message(number, |fields| {
        fields.signed(1, seconds);
        fields.signed(2, nanos);
    });
}

fn towards_payer(fields: &mut Fields<'_>, quote: &Quote, decided_at: Timestamp) {
    let Quote { pricing, markup, move_ppm, exposure_weight, amounts } = quote;
    rates::mid(fields, 1, pricing.prices.mid());
    rates::ratio(fields, 2, *markup);
    money(fields, 3, amounts.map(|amounts| amounts.mid));
    money(fields, 4, amounts.and_then(|amounts| amounts.debit.checked_sub(amounts.mid).ok()));
    priced(fields, pricing, decided_at, pricing.prices.debit());
    fields.unsigned(12, (*move_ppm).into());
    rates::weight(fields, 13, *exposure_weight);
}

fn towards_merchant(fields: &mut Fields<'_>, quote: &SettlementQuote, presentment: Money, decided_at: Timestamp) {
    rates::mid(fields, 1, quote.pricing.prices.mid());
    rates::ratio(fields, 2, Ratio::ZERO);
    money(fields, 3, conversion::settlement_mid(quote, presentment));
    priced(fields, &quote.pricing, decided_at, quote.pricing.prices.settlement());
}

fn priced(fields: &mut Fields<'_>, pricing: &Pricing, decided_at: Timestamp, applied: ExactRate) {
    let Pricing { prices, rate_lsn, cross_lsn, as_of, source } = pricing;
    fields.text(5, source.as_str());
    moment(fields, 6, *as_of);
    fields.unsigned(7, conversion::rate_age_ms(pricing, decided_at));
    fields.unsigned(8, rate_lsn.get());
    fields.unsigned(9, cross_lsn.map_or(0, domain::Lsn::get));
    rates::exact(fields, 10, prices.mid());
    rates::whole(fields, 11, applied);
}

/// Names of the two parties of a payment, looked up once.
struct Known<'a> {
    names: &'a dyn Names,
    merchant: MerchantId,
    merchant_name: OnceCell<Option<Name>>,
    payer: Option<AccountId>,
    payer_name: OnceCell<Option<AccountName>>,
}

impl<'a> Known<'a> {
    fn new(names: &'a dyn Names, command: &AuthorizePayment) -> Self {
        let payer = command.payer.present().copied();
        let (merchant_name, payer_name) = (OnceCell::new(), OnceCell::new());
        Self { names, merchant: command.merchant, merchant_name, payer, payer_name }
    }
}

impl Names for Known<'_> {
    fn merchant(&self, merchant: MerchantId) -> Option<Name> {
        if merchant != self.merchant {
            return self.names.merchant(merchant);
        }
        self.merchant_name.get_or_init(|| self.names.merchant(merchant)).clone()
    }

    fn account(&self, account: AccountId) -> Option<AccountName> {
        if Some(account) != self.payer {
            return self.names.account(account);
        }
        self.payer_name.get_or_init(|| self.names.account(account)).clone()
    }

    fn card(&self, token: CardToken) -> Option<CardFace> {
        self.names.card(token)
    }
}
