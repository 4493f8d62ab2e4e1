//! Everything that can stand, and more.

use domain::{
    CardToken, Command, MandateId, MerchantId, PublishedTick, QuoteId, RefundId, Standing, StandingAccount,
    StandingApproval, StandingBalance, StandingCardApproval, StandingCode, StandingGuesses, StandingLedger,
    StandingMandate, StandingMandateUse, StandingPayment, StandingPhase, StandingRefund, StandingState, StandingTick,
    StandingTranche, WalletId,
};
use money::{Conversion, Currency};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{begun, cards, merchant_registered, rules, values::*};

pub(crate) fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        2 => ledger(),
        2 => parties(),
        3 => accounts(),
        2 => rates(),
        5 => payment().prop_map(Standing::Payment),
        1 => refund(),
        4 => agreed(),
        3 => cards::standing(),
        1 => (any::<[u8; 16]>(), timestamp())
            .prop_map(|(quote, at)| Standing::UsedQuote(QuoteId::from_bytes(quote), at)),
        1 => currency().prop_flat_map(sum).prop_map(Standing::Reserved),
    ]
}

fn ledger() -> BoxedStrategy<Standing> {
    let begun = begun().prop_map(|(command, _)| {
        let Command::InitializeSwitch(command) = command else { unreachable!("it begins a ledger") };
        command
    });
    let policy = rules::installed().prop_map(|(command, _)| {
        let Command::InstallPolicy(command) = command else { unreachable!("it installs a policy") };
        command.policy
    });
    let terms = proptest::collection::btree_map(lsn(), option::of(1..i64::MAX), 0..3);
    (lsn(), timestamp(), option::of(begun), option::of(policy), terms)
        .prop_map(|(lsn, at, initialized, policy, terms)| {
            let key_terms = terms.into_iter().collect();
            Standing::Ledger(StandingLedger { lsn, at, initialized, policy, key_terms })
        })
        .boxed()
}

fn parties() -> BoxedStrategy<Standing> {
    let merchant = merchant_registered().prop_map(|(command, _)| {
        let Command::RegisterMerchant(command) = command else { unreachable!("it registers a merchant") };
        Standing::Merchant(command)
    });
    prop_oneof![name().prop_map(Standing::Wallet), merchant].boxed()
}

fn accounts() -> BoxedStrategy<Standing> {
    let state = select(vec![StandingState::Open, StandingState::Frozen, StandingState::Closed]);
    let account = (any::<u32>(), name(), account(), state).prop_map(|(wallet, name, account, state)| {
        Standing::Account(StandingAccount { wallet: WalletId(wallet), name, account, state })
    });
    let balance = (self::account(), any::<i64>(), any::<i64>()).prop_map(|(account, posted, held)| {
        Standing::Balance(StandingBalance { account, posted: posted.into(), held: held.into() })
    });
    prop_oneof![account, balance].boxed()
}

fn rates() -> BoxedStrategy<Standing> {
    let tick = (timestamp(), lsn(), rules::tick(), any::<u32>()).prop_map(|(published_at, lsn, tick, move_ppm)| {
        Standing::Tick(StandingTick { published_at, published: PublishedTick { lsn, tick, move_ppm } })
    });
    let moves = (pair(), vec(any::<u32>(), 0..9)).prop_map(|(pair, moves)| Standing::Moves(pair, moves));
    prop_oneof![tick, moves].boxed()
}

fn payment() -> impl Strategy<Value = StandingPayment> {
    let ids = (payment_id(), any::<u32>(), account(), digest(), lsn());
    let phase = prop_oneof![
        timestamp().prop_map(StandingPhase::Open),
        Just(StandingPhase::Captured),
        Just(StandingPhase::Voided),
        Just(StandingPhase::Expired),
        timestamp().prop_map(StandingPhase::Pending),
    ];
    (ids, phase, currency()).prop_flat_map(|((payment_id, merchant, payer, order, changed), phase, presentment)| {
        let used = (any::<[u8; 16]>(), any::<i64>(), sum(payer.currency)).prop_map(|(id, period, counted)| {
            StandingMandateUse { mandate_id: MandateId::from_bytes(id), period, counted }
        });
        let card = option::of(cards::used());
        (vec(tranche(presentment), 1..4), option::of(sum(payer.currency)), option::of(used), card).prop_map(
            move |(tranches, consented, mandate, card)| StandingPayment {
                payment_id,
                merchant: MerchantId(merchant),
                payer,
                order,
                tranches,
                phase,
                consented,
                mandate,
                changed,
                card,
            },
        )
    })
}

fn tranche(presentment: Currency) -> impl Strategy<Value = StandingTranche> {
    let conversion = move || {
        option::of((currency(), prices(), ratio())).prop_map(move |found| {
            found.and_then(|(to, prices, markup)| Conversion::at(presentment, to, prices, markup).ok())
        })
    };
    let amount = move || sum(presentment);
    let legs = (conversion(), conversion(), option::of(cards::fee()));
    (legs, ratio(), weight(), [amount(), amount(), amount(), amount()]).prop_map(
        |((debit, settlement, fee), discount, weight, [authorized, captured, refunded, refunded_repriced])| {
            StandingTranche {
                debit,
                settlement,
                discount,
                fee,
                weight,
                authorized,
                captured,
                refunded,
                refunded_repriced,
            }
        },
    )
}

fn refund() -> impl Strategy<Value = Standing> {
    let amounts = (currency().prop_flat_map(sum), currency().prop_flat_map(sum));
    (payment_id(), any::<[u8; 16]>(), any::<i64>(), amounts).prop_map(
        |(payment_id, refund, priced_from_day, (amount, original_mid))| {
            let refund_id = RefundId::from_bytes(refund);
            Standing::PendingRefund(StandingRefund { payment_id, refund_id, priced_from_day, amount, original_mid })
        },
    )
}

fn agreed() -> BoxedStrategy<Standing> {
    let of_account = || {
        account().prop_flat_map(|account| {
            (Just(account), [sum(account.currency), sum(account.currency), sum(account.currency)])
        })
    };
    let merchant = || any::<u32>().prop_map(MerchantId);
    let code = (digest(), of_account(), merchant(), timestamp()).prop_map(
        |(code, (account, [debit_amount_max, ..]), merchant, expires_at)| {
            Standing::Code(StandingCode { code, account, merchant, debit_amount_max, expires_at })
        },
    );
    let approval = (merchant(), digest(), of_account(), timestamp()).prop_map(
        |(merchant, order, (account, [debit_amount_max, ..]), expires_at)| {
            Standing::Approval(StandingApproval { merchant, order, account, debit_amount_max, expires_at })
        },
    );
    let token = any::<[u8; 16]>().prop_map(CardToken::from_bytes);
    let card_approval = (merchant(), digest(), token, currency().prop_flat_map(sum), timestamp()).prop_map(
        |(merchant, order, token, debit_amount_max, expires_at)| {
            Standing::CardApproval(StandingCardApproval { merchant, order, token, debit_amount_max, expires_at })
        },
    );
    let times = (any::<i64>(), timestamp(), timestamp(), any::<i64>());
    let mandate = (any::<[u8; 16]>(), of_account(), any::<u32>(), merchant(), times, any::<bool>()).prop_map(
        |(id, (account, [payment_debit_max, period_debit_max, used]), wallet, merchant, times, revoked)| {
            let (period_ms, granted_at, expires_at, period) = times;
            Standing::Mandate(StandingMandate {
                mandate_id: MandateId::from_bytes(id),
                account,
                wallet: WalletId(wallet),
                merchant,
                payment_debit_max,
                period_debit_max,
                period_ms,
                granted_at,
                expires_at,
                revoked,
                period,
                used,
            })
        },
    );
    let guesses = (merchant(), timestamp(), any::<u32>()).prop_map(|(merchant, window_ends_at, wrong)| {
        Standing::Guesses(StandingGuesses { merchant, window_ends_at, wrong })
    });
    prop_oneof![code, approval, card_approval, mandate, guesses].boxed()
}
