//! What the boards hold of payments, as published messages.

use domain::{ChainMark, Event};
use money::Money;
use projections::{PaymentView, RefundView, WatchedRecord};
use tonic::Status;
use wire::{
    journal,
    receipts::{Statement, record_digest},
    replies, v1,
};

use crate::{Switch, errors};

/// The payment as this view has it.
pub(crate) fn payment(view: &PaymentView, switch: &Switch) -> Result<v1::Payment, Status> {
    let message = match view.totals() {
        Some(totals) => replies::payment_after(view.decided(), view.record(), totals, switch),
        None => replies::payment(view.decided(), view.record(), switch),
    };
    message.ok_or_else(errors::unexpected_record)
}

/// The refund as this view has it.
pub(crate) fn refund(view: &RefundView, switch: &Switch) -> Result<v1::Refund, Status> {
    let priced = view.priced().map(|(record, _)| &**record);
    replies::refund(view.record(), priced, switch).ok_or_else(errors::unexpected_record)
}

/// All that one record did.
pub(crate) fn watch_response(watched: &WatchedRecord, switch: &Switch) -> Result<v1::WatchResponse, Status> {
    let kind = replies::event_kind(&watched.record).ok_or_else(errors::unexpected_record)?;
    let events = watched.payments.iter().map(|view| {
        Ok(v1::PaymentEvent {
            kind: kind.into(),
            payment: Some(payment(view, switch)?),
            refund: view.refund().map(|view| refund(view, switch)).transpose()?,
        })
    });
    Ok(v1::WatchResponse { lsn: watched.record.lsn.get(), events: events.collect::<Result<_, Status>>()? })
}

/// What a receipt of this outcome states. The same outcome is always stated in the same words: everything in it is from
/// records up to this one.
pub(crate) fn statement<'a>(view: &'a PaymentView, chain: ChainMark, switch: &Switch) -> Result<Statement<'a>, Status> {
    let mut bytes = Vec::new();
    journal::encode(view.record(), &mut bytes);
    Ok(Statement {
        mode: switch.started.mode,
        journal_id: switch.started.journal_id,
        chain,
        record: view.record(),
        record_digest: record_digest(&bytes),
        payment: payment(view, switch)?,
        refund: view.refund().map(|view| refund(view, switch)).transpose()?,
        net_debit_amount: net_debit(view, switch)?,
    })
}

/// What the payer was debited up to this record, less what it was given back, as it really moved.
fn net_debit(view: &PaymentView, switch: &Switch) -> Result<Option<Money>, Status> {
    let Some(totals) = view.totals() else { return Ok(None) };
    let lsn = view.record().lsn;
    let refunds = switch.boards.refunds(view.payment_id(), usize::MAX);
    let given_back = refunds.iter().filter(|refund| refund.record().lsn <= lsn).filter_map(|refund| {
        match (&refund.record().event, refund.priced()) {
            (Event::PaymentRefunded(refunded), _) => Some(refunded.debit_amount),
            (_, Some((record, priced))) if record.lsn <= lsn => Some(priced.debit_amount),
            _ => None,
        }
    });
    let mut net = totals.captured.debit;
    for amount in given_back {
        net = net.checked_sub(amount).map_err(|_| errors::unexpected_record())?;
    }
    Ok(Some(net))
}
