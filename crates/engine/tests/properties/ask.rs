//! What is asked at random.

use domain::{CaptureMode, CaptureRest, Digest, MerchantId, Method, Name, TenantId, WalletId};
use money::{AMOUNT_MINOR_UNITS_MAX, Ratio};
use proptest::prelude::*;

use crate::{
    model::{ACCOUNT_CURRENCIES, CURRENCIES, MERCHANTS, Model},
    rules::{Rules, rules},
    tape::{PAIRS, Published},
};

/// One request after a wait. `key` is one of a few, so that keys meet.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) wait_us: i64,
    /// Whether what is due is done first, as the shard does.
    pub(crate) sweeps: bool,
    pub(crate) key: Option<u8>,
    pub(crate) ask: Ask,
}

/// Accounts, merchants, payments, mandates and offers by number; some numbers are of none.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// What was asked some steps ago, key and all, with the evidence of now.
    Again {
        steps_back: usize,
    },
    Policy(Box<Rules>),
    Rates {
        pair: usize,
        percent: u64,
        spread: i64,
        offset_s: i64,
        valid_s: Option<i64>,
        pairs: usize,
        overridden: bool,
    },
    Open {
        wallet: u32,
        name: u8,
        currency: usize,
    },
    Close {
        account: usize,
    },
    Freeze {
        account: usize,
    },
    Unfreeze {
        account: usize,
    },
    Deposit {
        account: usize,
        units: i64,
    },
    Withdraw {
        account: usize,
        units: i64,
    },
    /// No command: the quote is kept, to be paid by later.
    Offer {
        subject: Subject,
        holds_s: i64,
    },
    Pay(Pay),
    Capture {
        payment: usize,
        part: Part,
        rest: CaptureRest,
        stranger: bool,
    },
    Void {
        payment: usize,
        stranger: bool,
    },
    Refund {
        payment: usize,
        part: Part,
        stranger: bool,
    },
    Increase {
        payment: usize,
        units: i64,
        further: Option<u8>,
        twist: Twist,
    },
    Code {
        code: u8,
        account: usize,
        merchant: usize,
        units: i64,
    },
    Approve {
        order: u8,
        account: usize,
        merchant: usize,
        units: i64,
        holds_s: i64,
    },
    Mandate {
        account: usize,
        merchant: usize,
        units: i64,
        period_units: i64,
        period_ms: i64,
        holds_s: i64,
    },
    Revoke {
        mandate: usize,
        wallet: u32,
    },
    Fund {
        merchant: usize,
        units: i64,
    },
    PayOut {
        merchant: usize,
        part: Part,
    },
    Square {
        sold: usize,
        bought: usize,
        part: Part,
        closed: Part,
        percent: i128,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) merchant: usize,
    pub(crate) account: usize,
    pub(crate) presentment: &'static str,
    pub(crate) units: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Pay {
    pub(crate) subject: Subject,
    pub(crate) order: u8,
    pub(crate) mode: CaptureMode,
    pub(crate) consent: Consented,
    /// By this offer; whether for one unit more than it is for.
    pub(crate) offer: Option<(usize, bool)>,
    /// The most that may be debited, in percent of what it will be.
    pub(crate) max_percent: Option<i128>,
    /// Declined as the owner of a sandbox ordered.
    pub(crate) ordered: bool,
    pub(crate) twist: Twist,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consented {
    Named,
    Code(u8),
    Approved,
    Mandate(usize),
}

/// How much of what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Percent(i128),
    All,
    OneMore,
}

/// What is wrong with a payment or its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    Nothing,
    /// The debit amount is off by this.
    Debit(i128),
    /// The mid amount is off by this.
    Mid(i128),
    /// What the merchant gets is off by this.
    Gross(i128),
    /// The markup is one millionth less.
    Markup,
    /// Quoted by the rate this many before the last, or by none such.
    Older(usize),
    /// Names the record after the one that published the rate.
    Lsn,
    /// Quoted before the rate went stale.
    Early,
    /// The stage had no rate.
    Missing,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let wait_us = prop_oneof![
        48 => 0..1_000_i64,
        6 => 0..5_000_000_i64,
        2 => 0..70_000_000_i64,
        1 => 0..100_000_000_000_i64,
        1 => 80_000_000_000..90_000_000_000_i64,
    ];
    let step = (wait_us, proptest::bool::weighted(0.85), proptest::option::weighted(0.6, 0..32_u8), ask());
    step.prop_map(|(wait_us, sweeps, key, ask)| Step { wait_us, sweeps, key, ask })
}

fn units() -> impl Strategy<Value = i64> {
    prop_oneof![2 => 1..300_i64, 6 => 1..200_000_i64, 1 => 1..=AMOUNT_MINOR_UNITS_MAX]
}

/// Now and then one that is not there.
fn account() -> impl Strategy<Value = usize> {
    let accounts = ACCOUNT_CURRENCIES.len();
    prop_oneof![32 => 0..accounts, 1 => accounts..accounts + 2]
}

fn merchant() -> impl Strategy<Value = usize> {
    prop_oneof![32 => 0..MERCHANTS.len(), 1 => Just(MERCHANTS.len())]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![6 => (0..100_i128).prop_map(Part::Percent), 3 => Just(Part::All), 1 => Just(Part::OneMore)]
}

fn ask() -> impl Strategy<Value = Ask> {
    // On the heap: the tree of so many choices is too large for the stack of a test.
    prop_oneof![
        7 => shell().boxed(),
        6 => accounts().boxed(),
        12 => pay().boxed(),
        16 => life().boxed(),
        5 => consents().boxed(),
    ]
}

fn shell() -> impl Strategy<Value = Ask> {
    let rates = (
        0..PAIRS.len(),
        prop_oneof![3 => 98..=102_u64, 1 => 80..=120_u64],
        prop_oneof![12 => Just(0), 12 => 0..20_000_000_i64, 1 => -5..0_i64],
        prop_oneof![16 => Just(0), 1 => -5..=70_i64],
        proptest::option::weighted(0.1, -1..600_i64),
        prop_oneof![3 => Just(PAIRS.len()), 2 => 1..=PAIRS.len()],
        proptest::bool::weighted(0.6),
    );
    let rates = rates.prop_map(|(pair, percent, spread, offset_s, valid_s, pairs, overridden)| Ask::Rates {
        pair,
        percent,
        spread,
        offset_s,
        valid_s,
        pairs,
        overridden,
    });
    prop_oneof![
        4 => (1..12_usize).prop_map(|steps_back| Ask::Again { steps_back }),
        2 => rules().prop_map(|rules| Ask::Policy(Box::new(rules))).boxed(),
        16 => rates,
    ]
}

fn accounts() -> impl Strategy<Value = Ask> {
    let square = (0..CURRENCIES.len(), 0..CURRENCIES.len(), part(), part(), 50..150_i128);
    prop_oneof![
        1 => (0..3_u32, 0..8_u8, 0..CURRENCIES.len())
            .prop_map(|(wallet, name, currency)| Ask::Open { wallet, name, currency }),
        1 => account().prop_map(|account| Ask::Close { account }),
        1 => account().prop_map(|account| Ask::Freeze { account }),
        2 => account().prop_map(|account| Ask::Unfreeze { account }),
        12 => (account(), units()).prop_map(|(account, units)| Ask::Deposit { account, units }),
        3 => (account(), units()).prop_map(|(account, units)| Ask::Withdraw { account, units }),
        3 => (merchant(), units()).prop_map(|(merchant, units)| Ask::Fund { merchant, units }),
        3 => (merchant(), prop_oneof![1 => part(), 2 => Just(Part::All)])
            .prop_map(|(merchant, part)| Ask::PayOut { merchant, part }),
        3 => square.prop_map(|(sold, bought, part, closed, percent)| Ask::Square { sold, bought, part, closed, percent }),
    ]
}

fn subject() -> impl Strategy<Value = Subject> {
    // The payment's currency may be the payer's, the merchant's, or neither.
    let presentment = prop::sample::select(vec!["CNY", "CNY", "JPY", "HKD", "USD"]);
    (merchant(), account(), presentment, units()).prop_map(|(merchant, account, presentment, units)| Subject {
        merchant,
        account,
        presentment,
        units,
    })
}

fn pay() -> impl Strategy<Value = Ask> {
    let consent = prop_oneof![
        8 => Just(Consented::Named),
        3 => (0..3_u8).prop_map(Consented::Code),
        1 => Just(Consented::Approved),
        2 => (0..2_usize).prop_map(Consented::Mandate),
    ];
    let mode = prop::sample::select(vec![CaptureMode::Automatic, CaptureMode::Manual, CaptureMode::Manual]);
    let offer = proptest::option::weighted(0.3, (0..3_usize, proptest::bool::weighted(0.1)));
    let max_percent = proptest::option::weighted(0.1, 99..=101_i128);
    let pay = (subject(), 0..12_u8, mode, consent, offer, max_percent, proptest::bool::weighted(0.02), twist());
    let pay = pay.prop_map(|(subject, order, mode, consent, offer, max_percent, ordered, twist)| {
        Ask::Pay(Pay { subject, order, mode, consent, offer, max_percent, ordered, twist })
    });
    let quoted = (subject(), prop::sample::select(vec![0, 1, 600, 600, 200_000, 200_000]));
    prop_oneof![5 => pay, 1 => quoted.prop_map(|(subject, holds_s)| Ask::Offer { subject, holds_s })]
}

fn life() -> impl Strategy<Value = Ask> {
    // The last payments most; a number of none now and then.
    let payment = || prop_oneof![32 => 0..6_usize, 8 => 6..40_usize, 1 => Just(usize::MAX)];
    let stranger = || proptest::bool::weighted(0.03);
    let rest = prop::sample::select(vec![CaptureRest::Kept, CaptureRest::Kept, CaptureRest::Released]);
    let capture = (payment(), part(), rest, stranger());
    let increase = (payment(), units(), proptest::option::weighted(0.3, 0..3_u8), twist());
    prop_oneof![
        5 => capture.prop_map(|(payment, part, rest, stranger)| Ask::Capture { payment, part, rest, stranger }),
        1 => (payment(), stranger()).prop_map(|(payment, stranger)| Ask::Void { payment, stranger }),
        5 => (payment(), part(), stranger())
            .prop_map(|(payment, part, stranger)| Ask::Refund { payment, part, stranger }),
        3 => increase.prop_map(|(payment, units, further, twist)| Ask::Increase { payment, units, further, twist }),
    ]
}

fn consents() -> impl Strategy<Value = Ask> {
    let code = (0..3_u8, account(), merchant(), units());
    let approve = (0..6_u8, account(), merchant(), units(), prop_oneof![6 => 1..100_i64, 1 => -1..100_000_i64]);
    let mandate =
        (account(), merchant(), units(), units(), 1..50_000_i64, prop_oneof![6 => 1..1_000_i64, 1 => -1..1_i64]);
    prop_oneof![
        5 => code.prop_map(|(code, account, merchant, units)| Ask::Code { code, account, merchant, units }),
        3 => approve.prop_map(|(order, account, merchant, units, holds_s)| {
            Ask::Approve { order, account, merchant, units, holds_s }
        }),
        3 => mandate.prop_map(|(account, merchant, units, period_units, period_ms, holds_s)| {
            Ask::Mandate { account, merchant, units, period_units, period_ms, holds_s }
        }),
        1 => (0..3_usize, 0..2_u32).prop_map(|(mandate, wallet)| Ask::Revoke { mandate, wallet }),
    ]
}

fn twist() -> impl Strategy<Value = Twist> {
    let off = || prop::sample::select(vec![-1, 1]);
    prop_oneof![
        24 => Just(Twist::Nothing),
        1 => off().prop_map(Twist::Debit),
        1 => off().prop_map(Twist::Mid),
        1 => off().prop_map(Twist::Gross),
        1 => Just(Twist::Markup),
        2 => (1..3_usize).prop_map(Twist::Older),
        1 => Just(Twist::Lsn),
        1 => Just(Twist::Early),
        1 => Just(Twist::Missing),
    ]
}

impl Ask {
    pub(crate) fn method(&self) -> Option<Method> {
        Some(match self {
            Ask::Again { .. } | Ask::Policy(_) | Ask::Offer { .. } => return None,
            Ask::Rates { .. } => Method::PublishRates,
            Ask::Open { .. } => Method::OpenAccount,
            Ask::Close { .. } => Method::CloseAccount,
            Ask::Freeze { .. } => Method::FreezeAccount,
            Ask::Unfreeze { .. } => Method::UnfreezeAccount,
            Ask::Deposit { .. } => Method::Deposit,
            Ask::Withdraw { .. } => Method::Withdraw,
            Ask::Pay(_) => Method::Authorize,
            Ask::Capture { .. } => Method::Capture,
            Ask::Void { .. } => Method::Void,
            Ask::Refund { .. } => Method::Refund,
            Ask::Increase { .. } => Method::IncreaseAuthorization,
            Ask::Code { .. } => Method::IssueCode,
            Ask::Approve { .. } => Method::ApproveOrder,
            Ask::Mandate { .. } => Method::GrantMandate,
            Ask::Revoke { .. } => Method::RevokeMandate,
            Ask::Fund { .. } => Method::FundReserve,
            Ask::PayOut { .. } => Method::PayOut,
            Ask::Square { .. } => Method::SquarePosition,
        })
    }

    /// Who asks. An unknown account is asked for by the first wallet operator.
    pub(crate) fn tenant(&self, model: &Model) -> TenantId {
        let of_account =
            |account: usize| TenantId::Wallet(WalletId(model.account(account).map_or(0, |account| account.wallet)));
        match self {
            Ask::Again { .. }
            | Ask::Policy(_)
            | Ask::Rates { .. }
            | Ask::Offer { .. }
            | Ask::Fund { .. }
            | Ask::PayOut { .. }
            | Ask::Square { .. } => TenantId::Operator,
            Ask::Open { wallet, .. } | Ask::Revoke { wallet, .. } => TenantId::Wallet(WalletId(*wallet)),
            Ask::Close { account }
            | Ask::Freeze { account }
            | Ask::Unfreeze { account }
            | Ask::Deposit { account, .. }
            | Ask::Withdraw { account, .. }
            | Ask::Code { account, .. }
            | Ask::Approve { account, .. }
            | Ask::Mandate { account, .. } => of_account(*account),
            Ask::Pay(pay) => TenantId::Merchant(merchant_id(model.subject(pay).merchant)),
            Ask::Capture { payment, stranger, .. }
            | Ask::Void { payment, stranger }
            | Ask::Refund { payment, stranger, .. } => TenantId::Merchant(model.asking(*payment, *stranger)),
            Ask::Increase { payment, .. } => TenantId::Merchant(model.asking(*payment, false)),
        }
    }

    /// The fields of the request: what the caller said, and nothing that stages find.
    pub(crate) fn fields(&self) -> Vec<String> {
        match self {
            Ask::Pay(Pay { subject, order, mode, consent, offer, max_percent, ordered, twist: _ }) => {
                let Subject { merchant: _, account, presentment, units } = subject;
                vec![
                    format!("{order}"),
                    format!("{account} {consent:?}"),
                    format!("{presentment} {units}"),
                    format!("{mode:?}"),
                    format!("{offer:?} {max_percent:?} {ordered}"),
                ]
            }
            Ask::Increase { payment, units, further, twist: _ } => vec![format!("{payment} {units} {further:?}")],
            Ask::Open { wallet: _, name, currency } => vec![name.to_string(), currency.to_string()],
            Ask::Deposit { account, units } | Ask::Withdraw { account, units } => {
                vec![account.to_string(), units.to_string()]
            }
            other => vec![format!("{other:?}")],
        }
    }

    /// The rates published at `at`: so many pairs from the first on, each once.
    pub(crate) fn ticks(&self, at: i64) -> Vec<Published> {
        let Ask::Rates { pair, percent, spread, offset_s, valid_s, pairs, .. } = self else { return Vec::new() };
        let tick = |pair: usize| {
            let bid = PAIRS[pair].2 * percent / 100;
            let ask = bid.saturating_add_signed(*spread).clamp(1, 9_999_999_999);
            let valid_until = valid_s.map(|valid_s| at + valid_s * 1_000_000);
            Published { pair, bid, ask, as_of: at + offset_s * 1_000_000, valid_until }
        };
        (*pair..).take(*pairs).map(|pair| tick(pair % PAIRS.len())).collect()
    }
}

impl Part {
    pub(crate) fn of(self, all: i128) -> i128 {
        match self {
            Part::Percent(percent) => (all * percent / 100).max(1),
            Part::All => all.max(1),
            Part::OneMore => all + 1,
        }
    }
}

pub(crate) fn digest(text: &str) -> Digest {
    let mut digest = Digest([0; 16]);
    digest.0.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    digest
}

pub(crate) fn ratio(millionths: u32) -> Ratio {
    Ratio::from_millionths(millionths).expect("a ratio")
}

pub(crate) fn merchant_id(merchant: usize) -> MerchantId {
    MerchantId(u32::try_from(merchant).expect("a few merchants"))
}

pub(crate) fn merchant_name(merchant: usize) -> Name {
    Name::new(&format!("merchant-{merchant}")).expect("a name")
}
