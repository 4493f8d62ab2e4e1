//! What is in force: policy, merchants, rates; a line a record.

use std::collections::BTreeMap;

use domain::{
    CardLimits, CardRules, Event, FeeStep, MerchantRules, Name, PayerFee, Policy, PublishRates, RailRules, RateTick,
    RegisterMerchant, TickPrice,
};
use serde_json::{Map, Value, json};

use super::{Line, moment};
use crate::words;

pub(super) fn policy(policy: &Policy) -> Line {
    let (markup, age, step) = (policy.fx_markup, policy.rate_age_ms_max, policy.rate_move_max);
    let mut text = format!("markup {}, rates up to {age} ms old, steps up to {}", markup.percent(), step.percent());
    let json = json!({
        "fxMarkup": markup.to_string(),
        "rateAgeMsMax": age,
        "rateMoveMax": step.to_string(),
        "pivot": policy.pivot.map(|pivot| pivot.code()),
        "pairs": policy.pairs.len(),
        "tiers": policy.tiers.len(),
        "volatilityBands": policy.volatility.len(),
        "exposureLimits": policy.exposure.len(),
        "merchants": named(&policy.merchants),
        "rails": policy.rails.iter().map(|(rail, rules)| (rail.as_str().to_owned(), of_rail(rules))).collect::<Map<_, _>>(),
        "quoteMs": policy.quote_ms,
        "holdMs": policy.merchant_default.hold_ms,
        "refundRate": policy.merchant_default.refund_rate.as_str(),
        "refundFunding": policy.merchant_default.refund_funding.as_str(),
        "cards": policy.cards.as_ref().map(of_cards),
    });
    if let Some(pivot) = policy.pivot {
        text += &format!(", crossed through {}", pivot.code());
    }
    for (count, noun) in [
        (policy.pairs.len(), "pair"),
        (policy.tiers.len(), "tier"),
        (policy.volatility.len(), "volatility band"),
        (policy.exposure.len(), "exposure limit"),
        (policy.merchants.len(), "merchant"),
        (policy.rails.len(), "rail"),
    ] {
        if count > 0 {
            text += &format!(", {}", words::counted(count as u64, noun));
        }
    }
    if let Some(cards) = &policy.cards {
        text += &format!(", cards charged in {}", cards.currency.code());
    }
    ("policy", text, json)
}

fn of_cards(rules: &CardRules) -> Value {
    let limits =
        |limits: &CardLimits| json!({ "payment": limits.payment.to_string(), "year": limits.year.to_string() });
    let fee = |step: &FeeStep| {
        let PayerFee { free_up_to, ratio } = step.fee;
        json!({ "from": moment(step.from), "freeUpTo": free_up_to.to_string(), "ratio": ratio.to_string() })
    };
    let stand_in = rules.stand_in.iter().map(|(scheme, max)| (scheme.as_str().to_owned(), json!(max.to_string())));
    json!({
        "currency": rules.currency.code(),
        "payerFees": rules.fees.iter().map(fee).collect::<Vec<_>>(),
        "verified": limits(&rules.verified),
        "unverified": limits(&rules.unverified),
        "personsACardMax": rules.persons_a_card_max,
        "answerMs": rules.answer_ms,
        "standIn": stand_in.collect::<Map<_, _>>(),
    })
}

fn named(merchants: &BTreeMap<Name, MerchantRules>) -> Map<String, Value> {
    merchants.iter().map(|(name, rules)| (name.to_string(), of_merchant(rules))).collect()
}

fn of_rail(rules: &RailRules) -> Value {
    let mut json = of_merchant(&rules.merchant_default);
    json["merchants"] = named(&rules.merchants).into();
    json
}

fn of_merchant(rules: &MerchantRules) -> Value {
    json!({
        "holdMs": rules.hold_ms,
        "refundRate": rules.refund_rate.as_str(),
        "refundFunding": rules.refund_funding.as_str(),
    })
}

pub(super) fn merchant(command: &RegisterMerchant) -> Line {
    let (name, currency, discount) = (&command.name, command.settlement_currency.code(), command.discount);
    let text = format!("merchant {name}, paid in {currency}, discount {}", discount.percent());
    let json =
        json!({ "merchant": name.as_str(), "settlementCurrency": currency, "merchantDiscount": discount.to_string() });
    ("registered", text, json)
}

pub(super) fn rates(command: &PublishRates, event: &Event) -> Line {
    let texts: Vec<String> =
        command.ticks.iter().map(|tick| format!("{} {}", tick.pair, price_text(tick.price))).collect();
    let mut rates: Vec<Value> = command.ticks.iter().map(tick_json).collect();
    if let Event::RatesPublished(published) = event {
        for (rate, move_ppm) in rates.iter_mut().zip(&published.move_ppm) {
            rate["movePpm"] = json!(move_ppm);
        }
    }
    let (mut text, mut json) = (texts.join(", "), json!({ "rates": rates }));
    if let Some(reason) = &command.override_reason {
        text += &format!(", beyond the band: {}", reason.as_str());
        json["overrideReason"] = json!(reason.as_str());
    }
    ("rates", text, json)
}

/// `1.179291231`, or `1.179 to 1.1796`.
pub(in crate::commands::journal) fn price_text(price: TickPrice) -> String {
    match price {
        TickPrice::Mid(mid) => mid.to_string(),
        TickPrice::BidAsk { bid, ask } => format!("{bid} to {ask}"),
    }
}

fn tick_json(tick: &RateTick) -> Value {
    let mut json = json!({ "pair": tick.pair.to_string(), "source": tick.source.as_str() });
    match tick.price {
        TickPrice::Mid(mid) => json["midRate"] = json!(mid.to_string()),
        TickPrice::BidAsk { bid, ask } => {
            json["bid"] = json!(bid.to_string());
            json["ask"] = json!(ask.to_string());
        }
    }
    json
}
