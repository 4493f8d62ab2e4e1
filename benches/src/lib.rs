//! A ledger and a stream of payments for the benches: one Hong Kong wallet after another pays one mainland merchant.
//!
//! [`House`] makes payments, [`Door`] is how they come in and go out, [`STAGES`] are the steps between, each alone.

mod door;
mod journals;
mod messages;
mod stages;

use std::sync::Arc;

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, Command, Consent,
    Conversions, Converted, CurrencyPair, Digest, DigestKey, Event, Evidence, FIELDS_MAX, Fingerprint, IdempotencyKey,
    InitializeSwitch, InstallPolicy, Label, Lsn, MerchantId, Method, Mode, MoveFunds, Name, OpenAccount, PaymentId,
    Policy, Pricing, PublishRates, RateTick, Record, RefundId, RefundPayment, RegisterMerchant, RegisterWallet,
    Stamped, Submission, TenantId, TickPrice, Timestamp, WalletId,
};
use engine::{Decision, Engine};
use money::{Conversion, Currency, Money, Prices, Rate, Ratio, Weight};

pub use door::Door;
pub use journals::{journal, make_durable};
pub use messages::{card_approval, card_request, test_card};
pub use stages::{PAYMENTS, STAGES, Stage, Work};

/// HKD per CNY, ECB cross of 2026-10-30.
pub const RATE: &str = "1.179291231";
const MARKUP_MILLIONTHS: u32 = 10_000;
const RATE_LSN: Lsn = Lsn::new(5);
const AS_OF: Timestamp = Timestamp::from_micros(1_000_000);
const WALLET: &str = "wallet";
const MERCHANT: MerchantId = MerchantId(0);

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
            let payer = name(&payer_name(index.into()));
            let open = OpenAccount { wallet: WalletId(0), name: payer, currency: Currency::HKD };
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
        self.payment(100, CaptureMode::Automatic)
    }

    /// The whole life of a payment of CNY 100.00: held, captured in three parts, refunded in two, each under a new key.
    pub fn next_cycle(&mut self) -> [Submission; 6] {
        let authorize = self.payment(10_000, CaptureMode::Manual);
        let payment_id = PaymentId::from_bytes(spread(self.made).0);
        let merchant = MERCHANT;
        let amount = |units| Money::new(Currency::CNY, units);
        let capture =
            |units, rest| Command::CapturePayment(CapturePayment { merchant, payment_id, amount: amount(units), rest });
        let captures = [
            capture(3_333, CaptureRest::Kept),
            capture(3_333, CaptureRest::Kept),
            capture(3_334, CaptureRest::Released),
        ];
        let refund = |units, number: u8| {
            let refund_id = RefundId::from_bytes([number; 16]);
            Command::RefundPayment(RefundPayment { merchant, payment_id, refund_id, amount: amount(units) })
        };
        let refunds = [refund(4_000, 1), refund(6_000, 2)];
        let [first, second, third] = captures.map(|command| self.keyed(Method::Capture, command));
        let [part, rest] = refunds.map(|command| self.keyed(Method::Refund, command));
        [authorize, first, second, third, part, rest]
    }

    fn payment(&mut self, units: i128, capture_mode: CaptureMode) -> Submission {
        let number = self.made + 1;
        let presentment_amount = Money::new(Currency::CNY, units);
        let pair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
        let pricing = Pricing {
            prices: Prices::mid_only(Rate::parse(RATE).expect("a rate").into()),
            rate_lsn: RATE_LSN,
            cross_lsn: None,
            as_of: AS_OF,
            source: label("ECB 2026-10-30"),
        };
        let debit = Converted::quoted(domain::debit_quote(pair, pricing, markup(), 0, Weight::ONE, presentment_amount));
        let payer = self.payers[usize::try_from(number).expect("small") % self.payers.len()];
        let digest = spread(number);
        let authorize = AuthorizePayment {
            payment_id: PaymentId::from_bytes(digest.0),
            merchant: MERCHANT,
            merchant_order_id: label(&format!("01890a5d-ac96-774b-bcce-{number:012}")),
            merchant_order_digest: digest,
            presentment_amount,
            payer: Evidence::Present(payer),
            converted: Evidence::Present(Conversions { debit, settlement: Converted::SameCurrency }),
            offer: None,
            capture_mode,
            consent: Consent::PayerNamed,
            debit_amount_max: None,
            sandbox_decline: None,
        };
        self.keyed(Method::Authorize, Command::AuthorizePayment(authorize))
    }

    fn keyed(&mut self, method: Method, command: Command) -> Submission {
        self.made += 1;
        let digest = spread(self.made);
        let fingerprint = Fingerprint { method, request: digest, fields: [7; FIELDS_MAX] };
        let key = IdempotencyKey { tenant: TenantId::Merchant(MERCHANT), digest, fingerprint };
        Submission { key: Some(key), command }
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

/// The engine that follows from these records.
#[must_use]
pub fn folded(records: &[Arc<Record>]) -> Engine {
    let mut engine = Engine::default();
    records.iter().for_each(|record| engine.apply(record));
    engine
}

fn beginnings() -> Vec<Command> {
    let digest_key = DigestKey { id: 0, check: Digest([0; 16]) };
    let policy = Policy::basic(markup(), 1_000_000_000, Ratio::from_millionths(100_000).expect("a ratio"));
    let tick = RateTick {
        pair: CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD },
        price: TickPrice::Mid(Rate::parse(RATE).expect("a rate")),
        source: label("ECB 2026-10-30"),
        as_of: AS_OF,
        valid_until: None,
    };
    let merchant = RegisterMerchant {
        name: name("merchant"),
        settlement_currency: Currency::CNY,
        discount: Ratio::from_millionths(6_000).expect("a ratio"),
        api_key_hash: ApiKeyHash([0; 32]),
    };
    vec![
        Command::InitializeSwitch(InitializeSwitch { mode: Mode::Sandbox, digest_key }),
        Command::InstallPolicy(InstallPolicy { policy: Arc::new(policy) }),
        Command::RegisterWallet(RegisterWallet { name: name(WALLET) }),
        Command::RegisterMerchant(merchant),
        Command::PublishRates(PublishRates { ticks: vec![tick], override_reason: None }),
    ]
}

/// Sixteen bytes that look as random as a digest does.
fn spread(number: u64) -> Digest {
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let low = (high ^ (high >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Digest((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
}

fn payer_name(index: u64) -> String {
    format!("payer-{index}")
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

    #[test]
    fn whole_lives_go_through_and_leave_nothing_behind() {
        let mut house = House::new(3);
        for _ in 0..10 {
            for submission in house.next_cycle() {
                house.decide_and_apply(submission);
            }
        }
        house.engine.assert_conserved();
        assert!(house.engine.exposures().all(|(_, position, reserved)| position.is_zero() && reserved.is_zero()));
    }
}
