//! Every answer is still the truth, and there is nothing but what was answered.

use std::collections::{BTreeMap, BTreeSet};

use client::{Address, Client, Operator, Options, sandbox};
use wire::v1::{
    AccountPosting, AccountServiceGetRequest, ListPostingsRequest, MovementState, Payment, PaymentServiceGetRequest,
    PaymentState, Posting, Refund,
};

use super::{
    PAYERS, Site,
    caller::{Answer, Answered, Lines},
    support::Daemon,
};

/// A payment as its client was told of it, answer by answer.
struct Told<'a> {
    merchant: &'static str,
    last: &'a Payment,
    refunds: Vec<&'a Refund>,
    /// What was posted, by position in the journal.
    postings: BTreeMap<u64, &'a [Posting]>,
}

impl Told<'_> {
    /// Minor units captured, in presentment currency.
    fn captured(&self) -> i64 {
        let captured = self.last.captured.as_ref().and_then(|captured| captured.presentment.as_ref());
        captured.map_or(0, |captured| captured.minor_units)
    }
}

pub(crate) async fn audit(daemon: &Daemon, answered: &[Answered]) {
    let lines = Lines::to(&Site { generation: 0, address: daemon.merchants.clone(), closing: true });
    let mut lsns = BTreeSet::new();
    let mut payments: BTreeMap<&str, Told<'_>> = BTreeMap::new();
    for Answered { call, answer } in answered {
        let again = lines.ask(call).await.expect("an answered key is answered again");
        assert_eq!(again, *answer, "a key has one outcome");
        assert!(lsns.insert(answer.lsn()), "each answer has its own lsn: {answer:?}");
        match answer {
            Answer::Movement(movement) => assert_eq!(movement.state(), MovementState::Posted),
            Answer::Paid(payment) => {
                let merchant = call.merchant().expect("a merchant was paid");
                let told = Told { merchant, last: payment, refunds: Vec::new(), postings: BTreeMap::new() };
                assert!(
                    payments.insert(&payment.payment_id, told).is_none(),
                    "each payment has its own id: {payment:?}"
                );
            }
            Answer::Captured(_) | Answer::Voided(_) | Answer::Increased(_) | Answer::Refunded(_) => {}
        }
        let payment_id = answer.payment().map(|payment| &payment.payment_id);
        let payment_id = payment_id.or(answer.refund().map(|refund| &refund.payment_id));
        // An increase that was declined tells no payment, and changed none.
        let Some(told) = payment_id.and_then(|id| payments.get_mut(id.as_str())) else { continue };
        told.last = answer.payment().unwrap_or(told.last);
        told.refunds.extend(answer.refund());
        let postings = answer.refund().map_or(&told.last.postings, |refund| &refund.postings);
        told.postings.insert(answer.lsn(), postings);
    }
    audit_payments(&lines, &payments).await;
    for (payer, ..) in PAYERS {
        audit_payer(&lines.wallet, payer, payments.values()).await;
    }
    audit_status(daemon, &payments).await;
}

/// Reads agree with the last answers, and an order is paid once.
async fn audit_payments(lines: &Lines, payments: &BTreeMap<&str, Told<'_>>) {
    let mut orders_taken = BTreeSet::new();
    for (payment_id, told) in payments {
        let request = PaymentServiceGetRequest { payment_id: (*payment_id).to_owned(), ..Default::default() };
        let found = lines.merchants[told.merchant].payment(request).await.expect("an answered payment is there");
        assert_eq!(found.payment.as_ref(), Some(told.last), "reads agree with answers");
        assert_eq!(found.refunds.iter().collect::<Vec<_>>(), told.refunds, "of {payment_id}");
        // Declined and voided payments leave the order free.
        if !matches!(told.last.state(), PaymentState::Declined | PaymentState::Voided) {
            let order = (told.merchant, &told.last.merchant_order_id);
            assert!(orders_taken.insert(order), "an order is paid once: {:?}", told.last);
        }
    }
}

/// What was told of this payer's payments stands in its postings once and whole, and nothing stands there that is not
/// known; what is held is what is held for them.
async fn audit_payer<'a>(wallet: &Client, payer: &str, payments: impl Iterator<Item = &'a Told<'a>>) {
    let rows = postings_of(wallet, payer).await;
    let mut found: BTreeMap<(&str, u64), Vec<&Posting>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.payment_id.is_empty()) {
        found.entry((&row.payment_id, row.lsn)).or_default().extend(&row.posting);
    }
    let label = format!("wallet:{}/{payer}", sandbox::WALLET_ID);
    let mut held = 0;
    for told in payments.filter(|told| told.last.payer.as_ref().is_some_and(|by| by.account_id == payer)) {
        for (lsn, postings) in &told.postings {
            let of_payer = |posting: &&Posting| posting.debit_account == label || posting.credit_account == label;
            let expected: Vec<&Posting> = postings.iter().filter(of_payer).collect();
            let posted = found.remove(&(told.last.payment_id.as_str(), *lsn)).unwrap_or_default();
            assert_eq!(posted, expected, "what was answered at lsn {lsn} was posted, once: {:?}", told.last);
        }
        held += told.last.held_amount.as_ref().map_or(0, |held| held.minor_units);
    }
    assert!(found.is_empty(), "nobody was told of these, though every key was repeated until answered: {found:?}");
    let request = AccountServiceGetRequest { account_id: payer.to_owned() };
    let account = wallet.account(request).await.expect("a payer's account is there").account.expect("as asked");
    assert_eq!(account.posted_balance, rows.last().and_then(|row| row.posted_balance.clone()));
    assert_eq!(account.held_balance.map(|held| held.minor_units), Some(held), "held for payments of {payer}");
}

async fn postings_of(wallet: &Client, payer: &str) -> Vec<AccountPosting> {
    let mut rows = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPostingsRequest { account_id: payer.to_owned(), page_size: 500, page_token };
        let page = wallet.list_postings(request).await.expect("postings can be read");
        rows.extend(page.postings);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return rows;
        }
    }
}

async fn audit_status(daemon: &Daemon, payments: &BTreeMap<&str, Told<'_>>) {
    let address: Address = daemon.operators.parse().expect("the banner tells an address");
    let key = sandbox::OPERATOR_KEY.parse().expect("the sandbox's keys are keys");
    let status = Operator::lazy(&address, &key, Options::default()).status().await.expect("the operator is answered");
    let count = |which: fn(&Told<'_>) -> bool| payments.values().filter(|told| which(told)).count() as u64;
    let captured = count(|told| told.captured() > 0);
    let declined = count(|told| told.last.state() == PaymentState::Declined);
    let held = count(|told| matches!(told.last.state(), PaymentState::Authorized | PaymentState::PartiallyCaptured));
    let found = [status.payments_captured, status.payments_declined, status.payments_held];
    assert_eq!(found, [captured, declined, held], "captured, declined, held");
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for balance in status.trial_balance.into_iter().filter_map(|line| line.balance) {
        *sums.entry(balance.currency_code).or_default() += i128::from(balance.minor_units);
    }
    assert!(sums.len() >= 3 && sums.values().all(|sum| *sum == 0), "each currency sums to zero: {sums:?}");
}
