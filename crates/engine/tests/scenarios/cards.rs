//! Rows about persons, cards and what their issuers answer.

use domain::{
    AccountId, AcknowledgeAdvice, AnswerCard, ApprovalCode, AssertPerson, BindCard, CardAnswer, CardApproval,
    CardBilling, CardBin, CardFace, CardFingerprint, CardLimits, CardMessage, CardMessageKind, CardRules, CardToken,
    Command, DeclineReason, DocumentKind, Documents, Evidence, FeeStep, LastFour, Lsn, OriginalMessage, PayerFee,
    PaymentId, PersonTier, ResponseCode, Scheme, SettleScheme, Submission, Timestamp, Unavailable, UnbindCard,
};
use money::{Currency, Money};

use crate::{
    ask::{currency, digest, money, ratio, unkeyed},
    desk::{Desk, micros},
    table::Row,
};

impl Desk {
    pub(crate) fn card_submission(&mut self, row: &Row, words: &[&str]) -> Submission {
        unkeyed(match (row.verb(), words) {
            ("person", [person, tier]) => {
                let (wallet, person) = self.wallet_and_name(person);
                let tier = PersonTier::ALL.into_iter().find(|known| known.as_str() == *tier).expect("a tier");
                let documents = Documents::default().with(DocumentKind::Passport);
                Command::AssertPerson(AssertPerson { wallet, person, tier, documents })
            }
            ("bind", [token, scheme, person]) => {
                let (wallet, person) = self.wallet_and_name(person);
                self.schemes.insert((*token).to_owned(), scheme_of(scheme));
                let card = CardFace {
                    scheme: scheme_of(scheme),
                    bin: CardBin::new("411111").expect("a BIN"),
                    last_four: LastFour::new("1111").expect("four digits"),
                    fingerprint: CardFingerprint(digest(row.option("number").unwrap_or(token)).0),
                };
                let billing_currency = row.option("billed").map(currency);
                Command::BindCard(BindCard { wallet, person, token: token_of(token), card, billing_currency })
            }
            ("unbind", [token]) => {
                let wallet = self.wallets[row.option("as").unwrap_or("hk")];
                Command::UnbindCard(UnbindCard { wallet, token: token_of(token) })
            }
            ("answer", [order, answer]) => {
                let (payment_id, request) = self.request(order);
                let request = row.option("to").map_or(request, |lsn| Lsn::new(lsn.parse().expect("a position")));
                Command::AnswerCard(AnswerCard { payment_id, request, answer: answer_of(row, answer) })
            }
            ("taken", [lsn]) => {
                let advice = Lsn::new(lsn.parse().expect("a position"));
                Command::AcknowledgeAdvice(AcknowledgeAdvice { advice })
            }
            ("settle", [scheme, received_currency, received, settled_currency, settled]) => {
                Command::SettleScheme(SettleScheme {
                    scheme: scheme_of(scheme),
                    received: money(received_currency, received),
                    settled: money(settled_currency, settled),
                })
            }
            _ => panic!("no such row: {row}"),
        })
    }

    /// What the scheme of a card owes: `dana` in the currency that is asked, `dana:USD` in another.
    pub(crate) fn charged(&self, card: &str, asked: Currency) -> Evidence<AccountId> {
        let (name, charged) = card.split_once(':').map_or((card, asked), |(name, code)| (name, currency(code)));
        match self.schemes.get(name) {
            Some(scheme) => Evidence::Present(AccountId::scheme_receivable(*scheme, charged)),
            None => Evidence::Unavailable(Unavailable::CardNotFound),
        }
    }

    /// The payment of an order whose issuer is asked, and the record that asks it.
    fn request(&self, order: &str) -> (PaymentId, Lsn) {
        self.asked_of_issuers.get(order).copied().unwrap_or((PaymentId::from_bytes([0xff; 16]), Lsn::ZERO))
    }
}

/// `card:dana` is the card that was bound under that token.
pub(crate) fn token_of(name: &str) -> CardToken {
    CardToken::from_bytes(digest(name).0)
}

pub(crate) fn scheme_of(name: &str) -> Scheme {
    Scheme::named(name).unwrap_or_else(|| panic!("no scheme {name}"))
}

/// `approved`, `not_sent`, `partial`, or the reason of a decline.
fn answer_of(row: &Row, answer: &str) -> CardAnswer {
    let code = |text| ResponseCode::new(text).expect("two characters");
    match answer {
        "approved" => CardAnswer::Approved(CardApproval {
            response_code: code("00"),
            approval_code: ApprovalCode::new("A12345").expect("six characters"),
            billing: row.option("billed").map(|billed| {
                let (currency, units) = billed.split_once(':').expect("CURRENCY:AMOUNT");
                CardBilling { amount: money(currency, units), rate: Some(71_503_108) }
            }),
        }),
        "not_sent" => CardAnswer::NotSent,
        "partial" => CardAnswer::Partial { response_code: code("10") },
        reason => {
            let reason = DeclineReason::ALL.into_iter().find(|known| known.as_str() == reason).expect("a reason");
            CardAnswer::Declined { response_code: code("05"), reason }
        }
    }
}

/// `cards=CNY`, with `fee=200.00:0.03`, `limits=5000:50000:500:2000`, `stand_in=visa:100.00`.
pub(crate) fn rules(row: &Row) -> Option<CardRules> {
    let code = row.option("cards")?;
    let parts = |text: &str| text.split(':').map(str::to_owned).collect::<Vec<_>>();
    let limits = parts(row.option("limits").unwrap_or("5000.00:50000.00:500.00:2000.00"));
    let [payment, year, low_payment, low_year] = &limits[..] else { panic!("four limits: {limits:?}") };
    let usd = |units: &str| money("USD", units);
    let fee = |text: &str| {
        let (free, part) = text.split_once(':').expect("FREE:RATIO");
        let fee = PayerFee { free_up_to: money(code, free), ratio: ratio(part) };
        FeeStep { from: row.option("from").map_or(Timestamp::EPOCH, |from| Timestamp::from_micros(micros(from))), fee }
    };
    let stand_in = row.option("stand_in").map(|text| {
        let (scheme, most) = text.split_once(':').expect("SCHEME:AMOUNT");
        (scheme_of(scheme), money(code, most))
    });
    Some(CardRules {
        currency: currency(code),
        fees: row.option("fee").map(fee).into_iter().collect(),
        verified: CardLimits { payment: usd(payment), year: usd(year) },
        unverified: CardLimits { payment: usd(low_payment), year: usd(low_year) },
        persons_a_card_max: 2,
        answer_ms: row.option("wait").map_or(10_000, |wait| micros(wait) / 1_000),
        stand_in: stand_in.into_iter().collect(),
    })
}

/// What is to be said to a network, in a line.
pub(crate) fn said(message: &CardMessage) -> String {
    let CardMessage { lsn, scheme, kind, amount, .. } = message;
    let amount = grouped(*amount);
    let of = |original: &OriginalMessage| {
        let stood_in = if original.stood_in { " (stood in)" } else { "" };
        format!("of #{}{stood_in}", original.lsn)
    };
    let what = match kind {
        CardMessageKind::Authorization { answer_by } => format!("authorize, until {} ms", answer_by.micros() / 1_000),
        CardMessageKind::StandIn { approval_code } => format!("stood in as {approval_code}"),
        CardMessageKind::Capture { approval_code, original } => format!("capture {} {approval_code}", of(original)),
        CardMessageKind::Refund { approval_code, original, .. } => format!("refund {} {approval_code}", of(original)),
        CardMessageKind::Reversal { original } => format!("reverse {}", of(original)),
    };
    format!("#{lsn} {} {amount}: {what}", scheme.as_str())
}

fn grouped(amount: Money) -> String {
    amount.grouped().to_string()
}
