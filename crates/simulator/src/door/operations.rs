//! Calls of the switch's operator, and what the switch asks of itself.

use std::sync::Arc;

use domain::{
    Command, DigestKey, FundReserve, InitializeSwitch, InstallPolicy, Mode, PayOut, RegisterWallet, Submission,
};
use wire::{requests, v1};

use super::{Door, checked_name, decimal, keyed, message_money, policy::policy};
use crate::{
    auditor::SOURCE,
    request::{Ask, Price, Purpose, Sum, Tick},
};

impl Door<'_> {
    pub(super) fn own_command(&self, ask: &Ask) -> Result<Command, String> {
        match ask {
            Ask::Begin(purpose) => {
                let digest_key = DigestKey { id: 1, check: self.keys.digester.check() };
                let mode = match purpose {
                    Purpose::Sandbox => Mode::Sandbox,
                    Purpose::Production => Mode::Production,
                };
                Ok(Command::InitializeSwitch(InitializeSwitch { mode, digest_key }))
            }
            Ask::InstallPolicy(rules) => Ok(Command::InstallPolicy(InstallPolicy { policy: Arc::new(policy(rules)?) })),
            Ask::RegisterWallet { name } => Ok(Command::RegisterWallet(RegisterWallet { name: checked_name(name)? })),
            _ => Err(format!("the switch does not ask for {ask:?}")),
        }
    }

    pub(super) fn operation(&self, ask: &Ask, idempotency_key: String) -> Result<Submission, String> {
        let digester = &self.keys.digester;
        let text = |why: requests::InvalidField| format!("{why}, for {ask:?}");
        match ask {
            Ask::RegisterMerchant { name, currency, discount_millionths, api_key } => {
                let message = v1::RegisterMerchantRequest {
                    idempotency_key,
                    merchant_id: name.clone(),
                    settlement_currency_code: (*currency).to_owned(),
                    merchant_discount: decimal(u64::from(*discount_millionths), 6),
                    api_key: api_key.clone(),
                };
                let (key, register) = requests::register_merchant(&message, digester).map_err(text)?;
                Ok(keyed((key, Command::RegisterMerchant(register))))
            }
            Ask::PublishRates { ticks, override_reason } => {
                let rates = ticks.iter().map(publication).collect();
                let override_reason = override_reason.clone().unwrap_or_default();
                let message = v1::PublishRatesRequest { idempotency_key, rates, override_reason };
                let (key, publish) = requests::publish_rates(&message, digester).map_err(text)?;
                Ok(keyed((key, Command::PublishRates(publish))))
            }
            Ask::FundReserve { merchant, amount } => {
                let (merchant_id, amount) = (merchant.clone(), message_money(*amount));
                let message = v1::FundReserveRequest { idempotency_key, merchant_id, amount };
                let (key, merchant, amount) = requests::fund_reserve(&message, digester).map_err(text)?;
                let fund = FundReserve { merchant: self.find_merchant(&merchant), amount };
                Ok(keyed((key, Command::FundReserve(fund))))
            }
            Ask::PayOut { merchant, amount } => {
                let (merchant_id, amount) = (merchant.clone(), message_money(*amount));
                let message = v1::PayOutRequest { idempotency_key, merchant_id, amount };
                let (key, merchant, amount) = requests::pay_out(&message, digester).map_err(text)?;
                Ok(keyed((key, Command::PayOut(PayOut { merchant: self.find_merchant(&merchant), amount }))))
            }
            Ask::Square { sold, bought, closed } => {
                let message = v1::SquarePositionRequest {
                    idempotency_key,
                    sold_amount: message_money(*sold),
                    bought_amount: message_money(*bought),
                    closed_amount: message_money(Sum { units: *closed, ..*bought }),
                };
                let (key, square) = requests::square_position(&message, digester).map_err(text)?;
                Ok(keyed((key, Command::SquarePosition(square))))
            }
            _ => Err(format!("the operator does not ask for {ask:?}")),
        }
    }
}

fn publication(tick: &Tick) -> v1::RatePublication {
    let text = |rate: crate::request::Digits| decimal(rate.mantissa, rate.scale);
    let (mid_rate, bid, ask) = match tick.price {
        Price::Mid(mid) => (text(mid), String::new(), String::new()),
        Price::Spread { bid, ask } => (String::new(), text(bid), text(ask)),
    };
    v1::RatePublication {
        presentment_currency_code: tick.presentment.to_owned(),
        debit_currency_code: tick.debit.to_owned(),
        mid_rate,
        source: SOURCE.to_owned(),
        as_of_time: moment(tick.as_of).as_of_time,
        bid,
        ask,
        valid_until_time: tick.valid_until.and_then(|until| moment(until).as_of_time),
    }
}

/// A message with one moment in it: the type of moments is named by no crate of ours but `wire`.
pub(super) fn moment(micros: i64) -> v1::RatePublication {
    let mut message = v1::RatePublication::default();
    let time = message.as_of_time.get_or_insert_default();
    time.seconds = micros.div_euclid(1_000_000);
    time.nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).expect("less than a second");
    message
}
