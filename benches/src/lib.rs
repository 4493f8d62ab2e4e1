//! A ledger and a stream of payments for the benches: one Hong Kong wallet after another pays one mainland merchant.

use std::sync::Arc;

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizePayment, Command, Converted, CurrencyPair, Digest, DigestKey, Event,
    Evidence, FIELDS_MAX, Fingerprint, IdempotencyKey, InitializeSwitch, InstallPolicy, Label, Lsn, MerchantId, Method,
    Mode, MoveFunds, Name, OpenAccount, PaymentId, Policy, PublishRates, Quote, QuotedAmounts, RateTick, Record,
    RegisterMerchant, RegisterWallet, Stamped, Submission, TenantId, Timestamp, WalletId,
};
use engine::{Decision, Engine};
use money::{Conversion, Currency, Money, Rate, Ratio};

/// HKD per CNY, ECB cross of 2026-10-30.
pub const RATE: &str = "1.179291231";
const MARKUP_MILLIONTHS: u32 = 10_000;
const RATE_LSN: Lsn = Lsn::new(5);
const AS_OF: Timestamp = Timestamp::from_micros(1_000_000);

/// The conversion every payment here goes through.
#[must_use]
pub fn conversion() -> Conversion {
    let rate = Rate::parse(RATE).expect("a rate");
    Conversion::new(Currency::CNY, Currency::HKD, rate, markup()).expect("two currencies")
}

fn markup() -> Ratio {
    Ratio::from_millionths(MARKUP_MILLIONTHS).expect("a ratio")
}

/// An engine with accounts that can pay, and the records that led there.
#[derive(Debug)]
pub struct House {
    /// The engine.
    pub engine: Engine,
    /// What was applied to it.
    pub records: Vec<Arc<Record>>,
    payers: Vec<AccountId>,
    made: u64,
}

impl House {
    /// A house with this many payers, each with a million HKD.
    #[must_use]
    pub fn new(payers: u32) -> Self {
        let mut house = Self { engine: Engine::default(), records: Vec::new(), payers: Vec::new(), made: 0 };
        for command in beginnings() {
            house.decide_and_apply(Submission { key: None, command });
        }
        for index in 0..payers {
            let open =
                OpenAccount { wallet: WalletId(0), name: name(&format!("payer-{index}")), currency: Currency::HKD };
            house.decide_and_apply(Submission { key: None, command: Command::OpenAccount(open) });
            let account = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index };
            let funds =
                MoveFunds { account: Evidence::Present(account), amount: Money::new(Currency::HKD, 100_000_000) };
            house.decide_and_apply(Submission { key: None, command: Command::Deposit(funds) });
            house.payers.push(account);
        }
        house
    }

    /// The next payment of CNY 1.00, by the next payer, under a new key.
    pub fn next_payment(&mut self) -> Submission {
        self.made += 1;
        let number = self.made;
        let presentment_amount = Money::new(Currency::CNY, 100);
        let conversion = conversion();
        let amounts = QuotedAmounts {
            debit: conversion.debit(presentment_amount).expect("small"),
            mid: conversion.mid(presentment_amount).expect("small"),
        };
        let quote = Quote {
            mid_rate: conversion.mid_rate(),
            markup: markup(),
            rate_lsn: RATE_LSN,
            as_of: AS_OF,
            source: label("ECB 2026-10-30"),
            amounts: Some(amounts),
        };
        let payer = self.payers[usize::try_from(number).expect("small") % self.payers.len()];
        let digest = spread(number);
        let fingerprint = Fingerprint { method: Method::Authorize, request: digest, fields: [7; FIELDS_MAX] };
        let authorize = AuthorizePayment {
            payment_id: PaymentId::from_bytes(digest.0),
            merchant: MerchantId(0),
            merchant_order_id: label(&format!("01890a5d-ac96-774b-bcce-{number:012}")),
            merchant_order_digest: digest,
            presentment_amount,
            payer: Evidence::Present(payer),
            converted: Evidence::Present(Converted::Quoted(quote)),
        };
        let key = IdempotencyKey { tenant: TenantId::Merchant(MerchantId(0)), digest, fingerprint };
        Submission { key: Some(key), command: Command::AuthorizePayment(authorize) }
    }

    /// Stamps as the shard would.
    #[must_use]
    pub fn stamp(&self, command: Submission) -> Stamped<Submission> {
        let at = Timestamp::from_micros(self.engine.applied_at().micros().max(AS_OF.micros()) + 1);
        Stamped { lsn: self.engine.applied_lsn().next(), at, command }
    }

    /// Decides and applies; every command here is one that goes through.
    pub fn decide_and_apply(&mut self, submission: Submission) -> Arc<Record> {
        let stamped = self.stamp(submission);
        let Decision::Recorded(event) = self.engine.decide(&stamped) else { panic!("refused: {stamped:?}") };
        assert!(!matches!(event, Event::Declined(_)), "declined: {stamped:?}");
        let record = Arc::new(stamped.into_record(event));
        self.engine.apply(&record);
        self.records.push(Arc::clone(&record));
        record
    }
}

fn beginnings() -> Vec<Command> {
    let digest_key = DigestKey { id: 0, check: Digest([0; 16]) };
    let policy = Policy {
        fx_markup: markup(),
        rate_age_ms_max: 1_000_000_000,
        rate_move_max: Ratio::from_millionths(100_000).expect("a ratio"),
    };
    let tick = RateTick {
        pair: CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD },
        mid_rate: Rate::parse(RATE).expect("a rate"),
        source: label("ECB 2026-10-30"),
        as_of: AS_OF,
    };
    let merchant = RegisterMerchant {
        name: name("merchant"),
        settlement_currency: Currency::CNY,
        discount: Ratio::from_millionths(6_000).expect("a ratio"),
        api_key_hash: ApiKeyHash([0; 32]),
    };
    vec![
        Command::InitializeSwitch(InitializeSwitch { mode: Mode::Sandbox, digest_key }),
        Command::InstallPolicy(InstallPolicy { policy }),
        Command::RegisterWallet(RegisterWallet { name: name("wallet") }),
        Command::RegisterMerchant(merchant),
        Command::PublishRates(PublishRates { ticks: vec![tick] }),
    ]
}

/// Sixteen bytes that look as random as a digest does.
fn spread(number: u64) -> Digest {
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let low = (high ^ (high >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Digest((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn label(text: &str) -> Label {
    Label::new(text).expect("a label")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payments_go_through_and_conserve() {
        let mut house = House::new(3);
        for _ in 0..100 {
            let payment = house.next_payment();
            house.decide_and_apply(payment);
        }
        house.engine.assert_conserved();
    }
}
