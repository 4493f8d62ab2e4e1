//! Every record the engine can make, and more.

mod cards;
pub(crate) mod payments;
mod rules;
pub(crate) mod standing;
mod together;
mod values;

use domain::{
    ApiKeyHash, ApproveOrder, Command, Decline, DeclineReason, DigestKey, Event, Evidence, FIELDS_MAX, Fingerprint,
    FundReserve, GrantMandate, IdempotencyKey, InitializeSwitch, IssueCode, Lsn, MandateId, MerchantId, Method, Mode,
    MoveFunds, OnAccount, OpenAccount, PayOut, Posting, Record, RegisterMerchant, RegisterWallet, RevokeMandate,
    SquarePosition, TenantId, WalletId,
};
use money::Money;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
};

pub(crate) use values::exact_rate;
use values::*;

pub(crate) fn record() -> impl Strategy<Value = Record> {
    let decided = prop_oneof![
        1 => begun(),
        2 => rules::installed(),
        1 => wallet_registered(),
        1 => merchant_registered(),
        2 => rules::rates_published(),
        1 => account_opened(),
        2 => account_changed(),
        1 => funds_moved(),
        8 => payments::decided(),
        3 => together::decided(),
        3 => agreed(),
        2 => operated(),
        4 => cards::decided(),
    ];
    record_of(decided)
}

fn record_of(decided: impl Strategy<Value = (Command, Event)>) -> impl Strategy<Value = Record> {
    (number(), timestamp(), option::of(key()), decided).prop_map(|(lsn, at, key, (command, event))| Record {
        lsn: Lsn::new(lsn),
        at,
        // Payments decided together have keys of their own.
        key: key.filter(|_| !matches!(command, Command::AuthorizeTogether(_))),
        command,
        event,
    })
}

/// What can happen to bytes.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// Bits of one are others.
    Flipped(Index, u8),
    /// One is small, as keys and lengths are.
    Small(Index, u8),
    /// One is there that was not.
    Inserted(Index, u8),
    /// So many are gone.
    Removed(Index, usize),
    /// The end is gone.
    Cut(Index),
}

impl Damage {
    pub(crate) fn to(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |index: &Index| index.index(length.max(1));
        match self {
            Self::Flipped(index, bits) => bytes.iter_mut().skip(place(index)).take(1).for_each(|byte| *byte ^= bits),
            Self::Small(index, small) => bytes.iter_mut().skip(place(index)).take(1).for_each(|byte| *byte = *small),
            Self::Inserted(index, byte) => bytes.insert(place(index), *byte),
            Self::Removed(index, count) => {
                let first = place(index);
                bytes.drain(first..length.min(first + count));
            }
            Self::Cut(index) => bytes.truncate(place(index)),
        }
    }
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        3 => (index(), any::<u8>()).prop_map(|(index, bits)| Damage::Flipped(index, bits)),
        3 => (index(), 0..32_u8).prop_map(|(index, small)| Damage::Small(index, small)),
        2 => (index(), any::<u8>()).prop_map(|(index, byte)| Damage::Inserted(index, byte)),
        1 => (index(), 1..20_usize).prop_map(|(index, count)| Damage::Removed(index, count)),
        1 => index().prop_map(Damage::Cut),
    ]
}

type Decided = BoxedStrategy<(Command, Event)>;

fn begun() -> Decided {
    (select(vec![Mode::Sandbox, Mode::Production]), any::<u32>(), digest())
        .prop_map(|(mode, id, check)| {
            let command = InitializeSwitch { mode, digest_key: DigestKey { id, check } };
            (Command::InitializeSwitch(command), Event::SwitchInitialized)
        })
        .boxed()
}

fn wallet_registered() -> Decided {
    (name(), any::<u32>())
        .prop_map(|(name, number)| {
            (Command::RegisterWallet(RegisterWallet { name }), Event::WalletRegistered(WalletId(number)))
        })
        .boxed()
}

fn merchant_registered() -> Decided {
    (name(), currency(), ratio(), any::<[u8; 32]>(), any::<u32>())
        .prop_map(|(name, settlement_currency, discount, hash, number)| {
            let api_key_hash = ApiKeyHash(hash);
            let command = RegisterMerchant { name, settlement_currency, discount, api_key_hash };
            (Command::RegisterMerchant(command), Event::MerchantRegistered(MerchantId(number)))
        })
        .boxed()
}

fn account_opened() -> Decided {
    (any::<u32>(), name(), account())
        .prop_map(|(wallet, name, account)| {
            let command = OpenAccount { wallet: WalletId(wallet), name, currency: account.currency };
            (Command::OpenAccount(command), Event::AccountOpened(account))
        })
        .boxed()
}

fn account_changed() -> Decided {
    let closed = prop_oneof![Just(Event::AccountClosed), declined()];
    let changed = prop_oneof![
        (on_account().prop_map(Command::CloseAccount), closed),
        (on_account().prop_map(Command::FreezeAccount), Just(Event::AccountFrozen)),
        (on_account().prop_map(Command::UnfreezeAccount), Just(Event::AccountUnfrozen)),
    ];
    changed.boxed()
}

fn on_account() -> impl Strategy<Value = OnAccount> {
    account().prop_map(|account| OnAccount { account: Evidence::Present(account) })
}

fn funds_moved() -> Decided {
    let event = |posting: Posting| {
        let moved = any::<i64>().prop_map(move |balance| Event::FundsMoved {
            posting,
            posted_balance: Money::new(posting.amount().currency(), balance.into()),
        });
        prop_oneof![moved, declined()]
    };
    (posting(), any::<bool>())
        .prop_flat_map(move |(posting, deposit)| (Just(posting), Just(deposit), event(posting)))
        .prop_map(|(posting, deposit, event)| {
            let command = MoveFunds { account: Evidence::Present(posting.debit()), amount: posting.amount() };
            (if deposit { Command::Deposit(command) } else { Command::Withdraw(command) }, event)
        })
        .boxed()
}

/// Consents, given and taken back.
fn agreed() -> Decided {
    let who = || {
        (account(), any::<u32>()).prop_flat_map(|(account, merchant)| {
            let most = (amount_in(account.currency), amount_in(account.currency));
            (Just(Evidence::Present(account)), Just(Evidence::Present(MerchantId(merchant))), most)
        })
    };
    let code = (who(), digest(), timestamp()).prop_map(|((account, merchant, (most, _)), code, expires_at)| {
        let command = IssueCode { account, merchant, debit_amount_max: most, code };
        (Command::IssueCode(command), Event::CodeIssued { expires_at })
    });
    let approval = (who(), digest(), timestamp()).prop_map(|((account, merchant, (most, _)), order, expires_at)| {
        let command =
            ApproveOrder { account, merchant, merchant_order_digest: order, debit_amount_max: most, expires_at };
        (Command::ApproveOrder(command), Event::OrderApproved)
    });
    let mandate = (who(), any::<[u8; 16]>(), any::<i64>(), timestamp()).prop_map(
        |((account, merchant, (payment_debit_max, period_debit_max)), id, period_ms, expires_at)| {
            let mandate_id = MandateId::from_bytes(id);
            let command = GrantMandate {
                mandate_id,
                account,
                merchant,
                payment_debit_max,
                period_debit_max,
                period_ms,
                expires_at,
            };
            (Command::GrantMandate(command), Event::MandateGranted)
        },
    );
    let revocation = (any::<u32>(), any::<[u8; 16]>()).prop_map(|(wallet, id)| {
        let command = RevokeMandate { wallet: WalletId(wallet), mandate_id: MandateId::from_bytes(id) };
        (Command::RevokeMandate(command), Event::MandateRevoked)
    });
    prop_oneof![code, approval, mandate, revocation].boxed()
}

/// What the operator does beside rates and rules.
fn operated() -> Decided {
    let reserve = (any::<u32>(), amount(), prop_oneof![posting().prop_map(Event::ReserveFunded), declined()]).prop_map(
        |(merchant, amount, event)| {
            (Command::FundReserve(FundReserve { merchant: Evidence::Present(MerchantId(merchant)), amount }), event)
        },
    );
    let paid_out = (any::<u32>(), amount(), prop_oneof![posting().prop_map(Event::PaidOut), declined()]).prop_map(
        |(merchant, amount, event)| {
            (Command::PayOut(PayOut { merchant: Evidence::Present(MerchantId(merchant)), amount }), event)
        },
    );
    let bought = currency().prop_flat_map(|currency| (amount_in(currency), amount_in(currency)));
    let event = prop_oneof![vec(posting(), 0..5).prop_map(Event::PositionSquared), declined()];
    let square = (amount(), bought, event).prop_map(|(sold, (bought, closed), event)| {
        (Command::SquarePosition(SquarePosition { sold, bought, closed }), event)
    });
    prop_oneof![reserve, paid_out, square].boxed()
}

fn declined() -> impl Strategy<Value = Event> {
    (select(DeclineReason::ALL.to_vec()), option::of(payment_id()))
        .prop_map(|(reason, paid_by)| Event::Declined(Decline { reason, paid_by }))
}

fn key() -> impl Strategy<Value = IdempotencyKey> {
    let tenant = prop_oneof![
        Just(TenantId::Operator),
        small().prop_map(|number| TenantId::Wallet(WalletId(number))),
        small().prop_map(|number| TenantId::Merchant(MerchantId(number))),
        Just(TenantId::Switch),
    ];
    let fields = prop_oneof![
        any::<[u32; FIELDS_MAX]>(),
        any::<[u32; 3]>().prop_map(|[a, b, c]| [a, 0, b, c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    ];
    (tenant, digest(), select(Method::ALL.to_vec()), digest(), fields).prop_map(
        |(tenant, digest, method, request, fields)| IdempotencyKey {
            tenant,
            digest,
            fingerprint: Fingerprint { method, request, fields },
        },
    )
}
