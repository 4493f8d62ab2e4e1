//! Every record the engine can make, and more.

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizePayment, CloseAccount, Command, Converted, CurrencyPair, Decline,
    DeclineReason, Digest, DigestKey, Event, Evidence, FIELDS_MAX, Fingerprint, IdempotencyKey, InitializeSwitch,
    InstallPolicy, Label, Lsn, MerchantId, Method, Mode, MoveFunds, Name, OpenAccount, PaymentCaptured, PaymentId,
    Policy, Posting, PublishRates, Quote, QuotedAmounts, RateTick, Record, RegisterMerchant, RegisterWallet, TenantId,
    Timestamp, WalletId,
};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money, Rate, Ratio};
use proptest::{collection::vec, option, prelude::*, sample::select};

pub(super) fn record() -> impl Strategy<Value = Record> {
    let decided = prop_oneof![
        begun(),
        ruled(),
        wallet_registered(),
        merchant_registered(),
        rates_published(),
        account_opened(),
        account_closed(),
        funds_moved(),
        payment_decided(),
    ];
    (any::<u64>(), timestamp(), option::of(key()), decided).prop_map(|(lsn, at, key, (command, event))| Record {
        lsn: Lsn::new(lsn),
        at,
        key,
        command,
        event,
    })
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

fn ruled() -> Decided {
    (ratio(), any::<i64>(), ratio())
        .prop_map(|(fx_markup, rate_age_ms_max, rate_move_max)| {
            let policy = Policy { fx_markup, rate_age_ms_max, rate_move_max };
            (Command::InstallPolicy(InstallPolicy { policy }), Event::PolicyInstalled)
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

fn rates_published() -> Decided {
    let tick = (currency(), currency(), rate(), label(), timestamp()).prop_map(
        |(presentment, debit, mid_rate, source, as_of)| RateTick {
            pair: CurrencyPair { presentment, debit },
            mid_rate,
            source,
            as_of,
        },
    );
    vec(tick, 0..4).prop_map(|ticks| (Command::PublishRates(PublishRates { ticks }), Event::RatesPublished)).boxed()
}

fn account_opened() -> Decided {
    (any::<u32>(), name(), account())
        .prop_map(|(wallet, name, account)| {
            let command = OpenAccount { wallet: WalletId(wallet), name, currency: account.currency };
            (Command::OpenAccount(command), Event::AccountOpened(account))
        })
        .boxed()
}

fn account_closed() -> Decided {
    (account(), prop_oneof![Just(Event::AccountClosed), declined()])
        .prop_map(|(account, event)| {
            (Command::CloseAccount(CloseAccount { account: Evidence::Present(account) }), event)
        })
        .boxed()
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

fn payment_decided() -> Decided {
    (payment(), any::<i64>(), vec(posting(), 0..6), option::of(declined()))
        .prop_map(|(payment, settlement, postings, declined)| {
            let settlement_amount = Money::new(payment.presentment_amount.currency(), settlement.into());
            let captured = Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings });
            (Command::AuthorizePayment(payment), declined.unwrap_or(captured))
        })
        .boxed()
}

fn payment() -> impl Strategy<Value = AuthorizePayment> {
    let ids = (any::<[u8; 16]>(), any::<u32>(), label(), digest());
    let payer = account().prop_flat_map(|payer| (Just(payer), converted(payer.currency)));
    (ids, amount(), payer).prop_map(|((id, merchant, label, digest), presentment_amount, (payer, converted))| {
        AuthorizePayment {
            payment_id: PaymentId::from_bytes(id),
            merchant: MerchantId(merchant),
            merchant_order_id: label,
            merchant_order_digest: digest,
            presentment_amount,
            payer: Evidence::Present(payer),
            converted: Evidence::Present(converted),
        }
    })
}

fn converted(currency: Currency) -> impl Strategy<Value = Converted> {
    let amounts = (1..=AMOUNT_MINOR_UNITS_MAX, 0..=AMOUNT_MINOR_UNITS_MAX).prop_map(move |(debit, mid)| {
        QuotedAmounts { debit: Money::new(currency, debit.into()), mid: Money::new(currency, mid.into()) }
    });
    let quoted = (rate(), ratio(), any::<u64>(), timestamp(), label(), option::of(amounts)).prop_map(
        |(mid_rate, markup, rate_lsn, as_of, source, amounts)| {
            Converted::Quoted(Quote { mid_rate, markup, rate_lsn: Lsn::new(rate_lsn), as_of, source, amounts })
        },
    );
    prop_oneof![Just(Converted::SameCurrency), quoted]
}

fn declined() -> impl Strategy<Value = Event> {
    (select(DeclineReason::ALL.to_vec()), option::of(any::<[u8; 16]>()))
        .prop_map(|(reason, paid_by)| Event::Declined(Decline { reason, paid_by: paid_by.map(PaymentId::from_bytes) }))
}

fn posting() -> impl Strategy<Value = Posting> {
    (account(), account(), amount()).prop_filter_map("a posting is between two accounts", |(debit, credit, amount)| {
        let currency = amount.currency();
        Posting::new(AccountId { currency, ..debit }, AccountId { currency, ..credit }, amount)
    })
}

fn key() -> impl Strategy<Value = IdempotencyKey> {
    let tenant = prop_oneof![
        Just(TenantId::Operator),
        any::<u32>().prop_map(|number| TenantId::Wallet(WalletId(number))),
        any::<u32>().prop_map(|number| TenantId::Merchant(MerchantId(number))),
        Just(TenantId::Switch),
    ];
    let fields =
        prop_oneof![any::<[u32; FIELDS_MAX]>(), any::<[u32; 3]>().prop_map(|[a, b, c]| [a, 0, b, c, 0, 0, 0, 0])];
    (tenant, digest(), select(Method::ALL.to_vec()), digest(), fields).prop_map(
        |(tenant, digest, method, request, fields)| IdempotencyKey {
            tenant,
            digest,
            fingerprint: Fingerprint { method, request, fields },
        },
    )
}

fn account() -> impl Strategy<Value = AccountId> {
    (select(AccountKind::ALL.to_vec()), currency(), any::<u32>()).prop_map(|(kind, currency, index)| AccountId {
        kind,
        currency,
        index,
    })
}

fn amount() -> impl Strategy<Value = Money> {
    (currency(), 1..=AMOUNT_MINOR_UNITS_MAX)
        .prop_map(|(currency, minor_units)| Money::new(currency, minor_units.into()))
}

fn currency() -> impl Strategy<Value = Currency> {
    select(Currency::all().collect::<Vec<_>>())
}

fn ratio() -> impl Strategy<Value = Ratio> {
    (0..=1_000_000_u32).prop_map(|millionths| Ratio::from_millionths(millionths).unwrap())
}

fn rate() -> impl Strategy<Value = Rate> {
    (1..=9_999_999_999_u64, 0..=18_u32).prop_map(|(mantissa, scale)| Rate::from_parts(mantissa, scale).unwrap())
}

fn name() -> impl Strategy<Value = Name> {
    "[a-z0-9-]{1,64}".prop_map(|text| Name::new(&text).unwrap())
}

fn label() -> impl Strategy<Value = Label> {
    "\\PC{1,64}".prop_filter_map("a label has no control characters", |text| Label::new(&text).ok())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 16]>().prop_map(Digest)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}
