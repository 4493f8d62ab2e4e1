//! Persons, cards, and what is said to card networks and heard from them.

use domain::{
    AcknowledgeAdvice, AnswerCard, ApprovalCode, ApproveCardOrder, AssertPerson, AttemptDeclined, BindCard,
    CaptureMode, CardAnswer, CardApproval, CardBilling, CardBin, CardFace, CardFingerprint, CardLimits, CardMessage,
    CardMessageKind, CardRenewed, CardRules, CardToken, Command, Consent, CountedLimit, DeclineReason, DocumentKind,
    Documents, Event, Evidence, FeeStep, LastFour, Lsn, MerchantId, OriginalMessage, PayerFee, PaymentAuthorized,
    PaymentCaptured, PaymentPending, PersonTier, RefundId, ResponseCode, Scheme, SettleScheme, Standing, StandingCard,
    StandingCardUse, StandingPerson, UnbindCard, Undo, WalletId,
};
use money::Money;
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::{select, subsequence},
};

use super::{
    Decided, declined,
    payments::{payment, soft_limits, totals},
    values::*,
};

pub(super) fn decided() -> Decided {
    prop_oneof![known(), bound(), approved(), pending(), answered(), taken(), settled()].boxed()
}

fn known() -> Decided {
    asserted().prop_map(|person| (Command::AssertPerson(person), Event::PersonAsserted)).boxed()
}

fn asserted() -> impl Strategy<Value = AssertPerson> {
    let documents = subsequence(DocumentKind::ALL.to_vec(), 0..=DocumentKind::ALL.len());
    (any::<u32>(), name(), select(PersonTier::ALL.to_vec()), documents).prop_map(|(wallet, person, tier, kinds)| {
        let documents = kinds.into_iter().fold(Documents::default(), Documents::with);
        AssertPerson { wallet: WalletId(wallet), person, tier, documents }
    })
}

fn bound() -> Decided {
    let bind = ((any::<u32>(), name(), token()), face(), option::of(currency())).prop_map(
        |((wallet, person, token), card, billing_currency)| {
            Command::BindCard(BindCard { wallet: WalletId(wallet), person, token, card, billing_currency })
        },
    );
    let unbind = (any::<u32>(), token())
        .prop_map(|(wallet, token)| Command::UnbindCard(UnbindCard { wallet: WalletId(wallet), token }));
    let renewed = (token(), option::of(currency()))
        .prop_map(|(token, billing_currency)| Event::CardRenewed(CardRenewed { token, billing_currency }));
    let bound = prop_oneof![Just(Event::CardBound), renewed, declined()];
    prop_oneof![(bind, bound), (unbind, Just(Event::CardUnbound))].boxed()
}

fn approved() -> Decided {
    let order = (any::<u32>(), token(), any::<u32>(), digest(), amount(), timestamp());
    order
        .prop_map(|(wallet, token, merchant, merchant_order_digest, debit_amount_max, expires_at)| {
            let command = ApproveCardOrder {
                wallet: WalletId(wallet),
                token,
                merchant: Evidence::Present(MerchantId(merchant)),
                merchant_order_digest,
                debit_amount_max,
                expires_at,
            };
            (Command::ApproveCardOrder(command), Event::OrderApproved)
        })
        .boxed()
}

fn face() -> impl Strategy<Value = CardFace> {
    let bin = "[0-9]{6}([0-9]{2})?".prop_map(|text| CardBin::new(&text).unwrap());
    let last_four = "[0-9]{4}".prop_map(|text| LastFour::new(&text).unwrap());
    (scheme(), bin, last_four, any::<[u8; 16]>()).prop_map(|(scheme, bin, last_four, fingerprint)| CardFace {
        scheme,
        bin,
        last_four,
        fingerprint: CardFingerprint(fingerprint),
    })
}

/// A payment by card that waits.
fn pending() -> Decided {
    let event = (timestamp(), option::of(fee()), counted(), totals(), soft_limits()).prop_map(
        |(answer_by, fee, counted, after, above_soft_limit)| {
            Event::PaymentPending(PaymentPending { answer_by, fee, counted, after, above_soft_limit })
        },
    );
    let mode = prop_oneof![Just(CaptureMode::Automatic), Just(CaptureMode::Manual)];
    let consent = prop_oneof![token().prop_map(Consent::Card), token().prop_map(Consent::CardOrderApproved)];
    (payment(), consent, mode, event)
        .prop_map(|(mut payment, consent, capture_mode, event)| {
            payment.consent = consent;
            payment.capture_mode = capture_mode;
            (Command::AuthorizePayment(payment), event)
        })
        .boxed()
}

fn answered() -> Decided {
    let approved = (response_code(), approval_code(), option::of(billing())).prop_map(
        |(response_code, approval_code, billing)| {
            CardAnswer::Approved(CardApproval { response_code, approval_code, billing })
        },
    );
    let no =
        (response_code(), reason()).prop_map(|(response_code, reason)| CardAnswer::Declined { response_code, reason });
    let partial = response_code().prop_map(|response_code| CardAnswer::Partial { response_code });
    let answer = prop_oneof![approved, no, partial, Just(CardAnswer::NotSent)];
    let answer = (payment_id(), lsn(), answer)
        .prop_map(|(payment_id, request, answer)| Command::AnswerCard(AnswerCard { payment_id, request, answer }));
    let timed_out = (payment_id().prop_map(Command::TimeOutCard), ended());
    prop_oneof![3 => (answer, prop_oneof![ended(), approved_event()]), 1 => timed_out].boxed()
}

fn ended() -> impl Strategy<Value = Event> {
    let undo = prop_oneof![Just(Undo::Nothing), Just(Undo::Reversal)];
    (reason(), undo, totals())
        .prop_map(|(reason, undo, after)| Event::AttemptDeclined(AttemptDeclined { reason, undo, after }))
}

fn approved_event() -> impl Strategy<Value = Event> {
    let held = (timestamp(), totals(), soft_limits()).prop_map(|(expires_at, after, above_soft_limit)| {
        Event::PaymentAuthorized(PaymentAuthorized { expires_at, after, above_soft_limit })
    });
    let captured = (totals(), integer(), vec(posting(), 0..6), soft_limits()).prop_map(
        |(after, settlement, postings, above_soft_limit)| {
            let settlement_amount = Money::new(after.captured.settlement.currency(), settlement.into());
            Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings, after, above_soft_limit })
        },
    );
    prop_oneof![held, captured]
}

fn taken() -> Decided {
    lsn()
        .prop_map(|advice| (Command::AcknowledgeAdvice(AcknowledgeAdvice { advice }), Event::AdviceAcknowledged))
        .boxed()
}

fn settled() -> Decided {
    let event = prop_oneof![vec(posting(), 0..5).prop_map(Event::SchemeSettled), declined()];
    (scheme(), amount(), amount(), event)
        .prop_map(|(scheme, received, settled, event)| {
            (Command::SettleScheme(SettleScheme { scheme, received, settled }), event)
        })
        .boxed()
}

pub(super) fn rules() -> impl Strategy<Value = CardRules> {
    let limits = || {
        currency().prop_flat_map(|currency| {
            (amount_in(currency), amount_in(currency)).prop_map(|(payment, year)| CardLimits { payment, year })
        })
    };
    let step = (timestamp(), fee()).prop_map(|(from, fee)| FeeStep { from, fee });
    let stand_in = btree_map(scheme(), currency().prop_flat_map(sum), 0..3);
    ((currency(), vec(step, 0..3)), limits(), limits(), (any::<u32>(), any::<i64>()), stand_in).prop_map(
        |((currency, fees), verified, unverified, (persons_a_card_max, answer_ms), stand_in)| CardRules {
            currency,
            fees,
            verified,
            unverified,
            persons_a_card_max,
            answer_ms,
            stand_in,
        },
    )
}

pub(super) fn standing() -> BoxedStrategy<Standing> {
    let used = option::of((any::<i64>(), currency().prop_flat_map(sum)));
    let person = (asserted(), used).prop_map(|(asserted, used)| Standing::Person(StandingPerson { asserted, used }));
    let card = (token(), any::<u32>(), face(), option::of(currency()), any::<bool>(), any::<u64>()).prop_map(
        |(token, person, face, billing_currency, bound, renewed)| {
            let renewed = Lsn::new(renewed);
            Standing::Card(StandingCard { token, person, face, billing_currency, bound, renewed })
        },
    );
    prop_oneof![person, card, message().prop_map(Standing::CardMessage)].boxed()
}

fn message() -> impl Strategy<Value = CardMessage> {
    let kind = prop_oneof![
        timestamp().prop_map(|answer_by| CardMessageKind::Authorization { answer_by }),
        approval_code().prop_map(|approval_code| CardMessageKind::StandIn { approval_code }),
        (approval_code(), original())
            .prop_map(|(approval_code, original)| CardMessageKind::Capture { approval_code, original }),
        (any::<[u8; 16]>(), approval_code(), original()).prop_map(|(refund, approval_code, original)| {
            CardMessageKind::Refund { refund_id: RefundId::from_bytes(refund), approval_code, original }
        }),
        original().prop_map(|original| CardMessageKind::Reversal { original }),
    ];
    ((lsn(), timestamp(), payment_id()), token(), scheme(), (any::<u32>(), name()), kind, currency().prop_flat_map(sum))
        .prop_map(|((lsn, at, payment_id), token, scheme, (merchant, merchant_name), kind, amount)| CardMessage {
            lsn,
            at,
            payment_id,
            token,
            scheme,
            merchant: MerchantId(merchant),
            merchant_name,
            kind,
            amount,
        })
}

pub(super) fn used() -> impl Strategy<Value = StandingCardUse> {
    let mode = prop_oneof![Just(CaptureMode::Automatic), Just(CaptureMode::Manual)];
    (token(), mode, option::of(counted()), original(), option::of(approval_code())).prop_map(
        |(token, capture_mode, limit, original, approval_code)| StandingCardUse {
            token,
            capture_mode,
            limit,
            original,
            approval_code,
        },
    )
}

pub(super) fn fee() -> impl Strategy<Value = PayerFee> {
    (currency().prop_flat_map(sum), ratio()).prop_map(|(free_up_to, ratio)| PayerFee { free_up_to, ratio })
}

fn counted() -> impl Strategy<Value = CountedLimit> {
    (any::<i64>(), option::of(exact_rate()), currency().prop_flat_map(sum))
        .prop_map(|(year, mid_rate, amount)| CountedLimit { year, mid_rate, amount })
}

fn billing() -> impl Strategy<Value = CardBilling> {
    (currency().prop_flat_map(sum), option::of(any::<u32>())).prop_map(|(amount, rate)| CardBilling { amount, rate })
}

fn original() -> impl Strategy<Value = OriginalMessage> {
    (lsn(), timestamp(), any::<bool>()).prop_map(|(lsn, at, stood_in)| OriginalMessage { lsn, at, stood_in })
}

fn token() -> impl Strategy<Value = CardToken> {
    any::<[u8; 16]>().prop_map(CardToken::from_bytes)
}

fn scheme() -> impl Strategy<Value = Scheme> {
    select(Scheme::ALL.to_vec())
}

fn reason() -> impl Strategy<Value = DeclineReason> {
    select(DeclineReason::ALL.to_vec())
}

fn response_code() -> impl Strategy<Value = ResponseCode> {
    "[0-9A-Z]{2}".prop_map(|text| ResponseCode::new(&text).unwrap())
}

fn approval_code() -> impl Strategy<Value = ApprovalCode> {
    "[0-9A-Za-z ]{6}".prop_map(|text| ApprovalCode::new(&text).unwrap())
}
