//! What is asked of payments, and what happens to them.

use domain::{
    AuthorizationIncreased, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, CardToken, Command, Consent,
    Conversions, Converted, DeclineReason, Event, Evidence, HoldExpired, IncreaseAuthorization, MandateId, MerchantId,
    Offer, PaymentAmount, PaymentAuthorized, PaymentCaptured, PaymentRefunded, PaymentState, PaymentTotals, Pricing,
    Quote, QuoteId, QuotedAmounts, Record, RefundId, RefundPayment, RefundPending, RefundPriced, Repriced,
    SettlementQuote, Unavailable, VoidPayment,
};
use money::{Currency, Money};
use proptest::{array::uniform10, collection::vec, option, prelude::*, sample::select};

use super::{Decided, declined, record_of, values::*};

pub(crate) fn record() -> impl Strategy<Value = Record> {
    record_of(prop_oneof![3 => authorized(), 1 => captured_later(), 1 => voided(), 1 => refunded()])
}

pub(super) fn decided() -> Decided {
    prop_oneof![authorized(), captured_later(), voided(), refunded(), increased(), holds_expired(), refunds_priced(),]
        .boxed()
}

pub(super) fn authorized() -> Decided {
    let mode = prop_oneof![Just(CaptureMode::Automatic), Just(CaptureMode::Manual)];
    let outcome = (vec(posting(), 0..6), soft_limits(), timestamp(), totals(), option::of(declined()));
    (payment(), mode, sum(Currency::CNY), outcome, any::<bool>())
        .prop_map(|(mut payment, mode, settlement, (postings, above_soft_limit, expires_at, after, declined), lost)| {
            payment.capture_mode = mode;
            let captured = captured_at_once(&payment, settlement);
            let event = match (declined, captured) {
                (Some(declined), _) => declined,
                // Amounts that could not be quoted are declined.
                (None, None) => {
                    Event::Declined(domain::Decline { reason: DeclineReason::DebitAmountTooLarge, paid_by: None })
                }
                (None, Some((settlement_amount, after))) if mode == CaptureMode::Automatic => {
                    Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings, after, above_soft_limit })
                }
                (None, Some(_)) => Event::PaymentAuthorized(PaymentAuthorized { expires_at, after, above_soft_limit }),
            };
            if lost && event.decline().is_some() {
                payment.payer = Evidence::Unavailable(Unavailable::ConsentNotFound);
                payment.converted = Evidence::Unavailable(Unavailable::ConsentNotFound);
            }
            (Command::AuthorizePayment(payment), event)
        })
        .boxed()
}

/// What a capture at once comes to, when its amounts could be quoted.
pub(super) fn captured_at_once(payment: &AuthorizePayment, settlement: Money) -> Option<(Money, PaymentTotals)> {
    let Evidence::Present(conversions) = &payment.converted else { return None };
    let presentment = payment.presentment_amount;
    let debit = match &conversions.debit {
        Converted::SameCurrency => presentment,
        Converted::Quoted(quote) => quote.amounts?.debit,
    };
    let currency = match &conversions.settlement {
        Converted::SameCurrency => presentment.currency(),
        Converted::Quoted(quote) => quote.gross?.currency(),
    };
    let settlement = Money::new(currency, settlement.minor_units());
    let amount = |presentment, debit, settlement| PaymentAmount { presentment, debit, settlement };
    let all = amount(presentment, debit, settlement);
    let zero = |money: Money| Money::zero(money.currency());
    let refunded = amount(zero(presentment), zero(debit), zero(settlement));
    let after =
        PaymentTotals { state: PaymentState::Captured, authorized: all, captured: all, refunded, held: zero(debit) };
    Some((settlement, after))
}

fn captured_later() -> Decided {
    let rest = prop_oneof![Just(CaptureRest::Kept), Just(CaptureRest::Released)];
    let captured = (totals(), integer(), vec(posting(), 0..6), soft_limits()).prop_map(
        |(after, settlement, postings, above_soft_limit)| {
            let settlement_amount = Money::new(after.captured.settlement.currency(), settlement.into());
            Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings, after, above_soft_limit })
        },
    );
    (small(), payment_id(), amount(), rest, prop_oneof![captured, declined()])
        .prop_map(|(merchant, payment_id, amount, rest, event)| {
            let command = CapturePayment { merchant: MerchantId(merchant), payment_id, amount, rest };
            (Command::CapturePayment(command), event)
        })
        .boxed()
}

fn voided() -> Decided {
    (small(), payment_id(), totals())
        .prop_map(|(merchant, payment_id, after)| {
            let command = VoidPayment { merchant: MerchantId(merchant), payment_id };
            (Command::VoidPayment(command), Event::PaymentVoided(after))
        })
        .boxed()
}

fn refunded() -> Decided {
    let given = (totals(), (integer(), integer()), vec(posting(), 0..6)).prop_flat_map(
        |(after, (debit, settlement), postings)| {
            let debit_amount = Money::new(after.refunded.debit.currency(), debit.into());
            let settlement_amount = Money::new(after.refunded.settlement.currency(), settlement.into());
            option::of(repriced(debit_amount.currency())).prop_map(move |repriced| {
                let postings = postings.clone();
                Event::PaymentRefunded(PaymentRefunded { debit_amount, settlement_amount, repriced, postings, after })
            })
        },
    );
    let waiting = (totals(), integer(), vec(posting(), 0..6), integer()).prop_map(
        |(after, settlement, postings, priced_from_day)| {
            let settlement_amount = Money::new(after.refunded.settlement.currency(), settlement.into());
            Event::RefundPending(RefundPending { settlement_amount, postings, priced_from_day, after })
        },
    );
    (small(), payment_id(), any::<[u8; 16]>(), amount(), prop_oneof![given, waiting, declined()])
        .prop_map(|(merchant, payment_id, refund_id, amount, event)| {
            let refund_id = RefundId::from_bytes(refund_id);
            let command = RefundPayment { merchant: MerchantId(merchant), payment_id, refund_id, amount };
            (Command::RefundPayment(command), event)
        })
        .boxed()
}

fn increased() -> Decided {
    let consent = prop_oneof![
        digest().prop_map(Consent::Code),
        Just(Consent::OrderApproved),
        any::<[u8; 16]>().prop_map(|id| Consent::Mandate(MandateId::from_bytes(id))),
        any::<[u8; 16]>().prop_map(|token| Consent::Card(CardToken::from_bytes(token))),
        any::<[u8; 16]>().prop_map(|token| Consent::CardOrderApproved(CardToken::from_bytes(token))),
    ];
    let event = (totals(), soft_limits()).prop_map(|(after, above_soft_limit)| {
        Event::AuthorizationIncreased(AuthorizationIncreased { after, above_soft_limit })
    });
    let asked = (small(), payment_id(), amount(), currency().prop_flat_map(conversions), option::of(consent));
    (asked, prop_oneof![event, declined()])
        .prop_map(|((merchant, payment_id, amount, converted, consent), event)| {
            let converted = Evidence::Present(converted);
            let merchant = MerchantId(merchant);
            let command = IncreaseAuthorization { merchant, payment_id, amount, converted, consent };
            (Command::IncreaseAuthorization(command), event)
        })
        .boxed()
}

fn holds_expired() -> Decided {
    let hold = (payment_id(), totals()).prop_map(|(payment_id, after)| HoldExpired { payment_id, after });
    vec(hold, 0..4).prop_map(|holds| (Command::ExpireHolds, Event::HoldsExpired(holds))).boxed()
}

fn refunds_priced() -> Decided {
    let refund = (payment_id(), any::<[u8; 16]>(), currency(), vec(posting(), 0..3)).prop_flat_map(
        |(payment_id, refund_id, currency, postings)| {
            (sum(currency), repriced(currency)).prop_map(move |(debit_amount, repriced)| RefundPriced {
                payment_id,
                refund_id: RefundId::from_bytes(refund_id),
                debit_amount,
                repriced,
                postings: postings.clone(),
            })
        },
    );
    vec(refund, 0..4).prop_map(|refunds| (Command::PriceRefunds, Event::RefundsPriced(refunds))).boxed()
}

pub(super) fn payment() -> impl Strategy<Value = AuthorizePayment> {
    let ids = (payment_id(), small(), label(), digest());
    let quoted = (account(), option::of(offer())).prop_flat_map(|(payer, offer)| {
        let currency = offer.as_ref().map_or(payer.currency, |offer| offer.payer.currency);
        (Just(payer), Just(offer), conversions(currency))
    });
    let options = (consent(), option::of(amount()), option::of(select(DeclineReason::ALL.to_vec())));
    (ids, amount(), quoted, options).prop_map(
        |((payment_id, merchant, merchant_order_id, digest), presentment_amount, quoted, options)| {
            let (payer, offer, converted) = quoted;
            let (consent, debit_amount_max, sandbox_decline) = options;
            AuthorizePayment {
                payment_id,
                merchant: MerchantId(merchant),
                merchant_order_id,
                merchant_order_digest: digest,
                presentment_amount,
                payer: Evidence::Present(payer),
                converted: Evidence::Present(converted),
                offer,
                capture_mode: CaptureMode::Automatic,
                consent,
                debit_amount_max,
                sandbox_decline,
            }
        },
    )
}

fn consent() -> impl Strategy<Value = Consent> {
    prop_oneof![
        Just(Consent::PayerNamed),
        digest().prop_map(Consent::Code),
        Just(Consent::OrderApproved),
        any::<[u8; 16]>().prop_map(|id| Consent::Mandate(MandateId::from_bytes(id))),
    ]
}

pub(crate) fn offer() -> impl Strategy<Value = Offer> {
    (any::<[u8; 16]>(), timestamp(), small(), account(), amount(), any::<Option<[u8; 16]>>()).prop_map(
        |(quote_id, expires_at, merchant, payer, presentment_amount, card)| Offer {
            quote_id: QuoteId::from_bytes(quote_id),
            expires_at,
            merchant: MerchantId(merchant),
            payer,
            presentment_amount,
            card: card.map(CardToken::from_bytes),
        },
    )
}

pub(crate) fn conversions(debit_currency: Currency) -> impl Strategy<Value = Conversions> {
    let amounts = (minor_units(), prop_oneof![minor_units(), Just(0)]).prop_map(move |(debit, mid)| QuotedAmounts {
        debit: Money::new(debit_currency, debit.into()),
        mid: Money::new(debit_currency, mid.into()),
    });
    let debit = (pricing(), ratio(), small(), weight(), option::of(amounts)).prop_map(
        |(pricing, markup, move_ppm, exposure_weight, amounts)| {
            Converted::quoted(Quote { pricing, markup, move_ppm, exposure_weight, amounts })
        },
    );
    let settlement = (pricing(), option::of(currency().prop_flat_map(sum)))
        .prop_map(|(pricing, gross)| Converted::quoted(SettlementQuote { pricing, gross }));
    (prop_oneof![Just(Converted::SameCurrency), debit], prop_oneof![Just(Converted::SameCurrency), settlement])
        .prop_map(|(debit, settlement)| Conversions { debit, settlement })
}

fn pricing() -> impl Strategy<Value = Pricing> {
    let cross = option::of(number().prop_map(|lsn| domain::Lsn::new(lsn.max(1))));
    (prices(), lsn(), cross, timestamp(), label()).prop_map(|(prices, rate_lsn, cross_lsn, as_of, source)| Pricing {
        prices,
        rate_lsn,
        cross_lsn,
        as_of,
        source,
    })
}

fn repriced(currency: Currency) -> impl Strategy<Value = Repriced> {
    (exact_rate(), lsn(), sum(currency)).prop_map(|(mid_rate, rate_lsn, difference)| Repriced {
        mid_rate,
        rate_lsn,
        difference,
    })
}

pub(super) fn totals() -> impl Strategy<Value = PaymentTotals> {
    let currencies = (currency(), currency(), currency());
    (select(PaymentState::ALL.to_vec()), currencies, uniform10(integer())).prop_map(
        |(state, (presentment, debit, settlement), minor_units)| {
            let [a, b, c, d, e, f, g, h, i, held] = minor_units.map(i128::from);
            let amount = |a, b, c| PaymentAmount {
                presentment: Money::new(presentment, a),
                debit: Money::new(debit, b),
                settlement: Money::new(settlement, c),
            };
            let (authorized, captured, refunded) = (amount(a, b, c), amount(d, e, f), amount(g, h, i));
            PaymentTotals { state, authorized, captured, refunded, held: Money::new(debit, held) }
        },
    )
}

pub(super) fn soft_limits() -> impl Strategy<Value = Vec<Currency>> {
    vec(currency(), 0..3)
}
