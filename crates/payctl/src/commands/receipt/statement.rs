//! What a receipt states, for people.

use wire::v1::ReceiptBody;

use super::check::hex;
use crate::commands::payment;
use crate::render::{FAINT, Fields, STRONG, paint};
use crate::words;

/// Which ledger speaks, what happened, and the payment with all its amounts.
pub(super) fn text(body: &ReceiptBody) -> String {
    let mut fields = Fields::default();
    fields.line("what", paint(STRONG, words::event_kind(body.kind())));
    fields.line("when", words::time(body.record_time.as_ref().map(|time| time.seconds)));
    fields.line("ledger", format!("{} {}", body.mode, hex(&body.journal_id)));
    fields.line("record", format!("lsn {}, in the batch that ends at lsn {}", body.lsn, body.chain_lsn));
    fields.line("", paint(FAINT, hex(&body.record_digest)));
    fields.line("chain", paint(FAINT, hex(&body.chain_digest)));
    if body.net_debit_amount.is_some() {
        fields.line("net debit", paint(STRONG, words::amount(body.net_debit_amount.as_ref())));
    }
    let payment = body
        .payment
        .as_ref()
        .map(|stated| format!("{}  {}\n{}", paint(STRONG, "payment"), stated.payment_id, payment::details(stated)));
    let refund = body.refund.as_ref().map(|refund| payment::refund_text(refund, None));
    [Some(fields.to_string()), refund, payment].into_iter().flatten().collect()
}
