//! What the boards hold of payments, as published messages.

use domain::{ChainMark, PaymentId, PaymentState};
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
    let mut message = message.ok_or_else(errors::unexpected_record)?;
    if let Some(answered) = view.answered() {
        replies::answered(&mut message, answered);
    }
    Ok(message)
}

/// What is known by now of a payment that was pending; `None` if it is so still, as far as is known.
pub(crate) fn ended(switch: &Switch, payment: PaymentId) -> Result<Option<v1::Payment>, Status> {
    let view = switch.payment(payment)?.filter(|view| view.state() != PaymentState::Pending);
    view.map(|view| self::payment(&view, switch)).transpose()
}

/// The refund as this view has it.
pub(crate) fn refund(view: &RefundView, switch: &Switch) -> Result<v1::Refund, Status> {
    let priced = view.priced().map(|(record, _)| &**record);
    replies::refund(view.record(), priced, switch).ok_or_else(errors::unexpected_record)
}

/// All that one record did.
pub(crate) fn watch_response(watched: &WatchedRecord, switch: &Switch) -> Result<v1::WatchResponse, Status> {
    let events = watched.payments.iter().map(|view| {
        let kind = replies::event_kind(view.record()).ok_or_else(errors::unexpected_record)?;
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
    journal::encode(view.record_in_journal(), &mut bytes);
    let net_debit = switch.boards.net_debit(view.payment_id(), view.record().lsn);
    Ok(Statement {
        mode: switch.started.mode,
        journal_id: switch.started.journal_id,
        chain,
        record: view.record(),
        record_digest: record_digest(&bytes),
        payment: payment(view, switch)?,
        refund: view.refund().map(|view| refund(view, switch)).transpose()?,
        // Of a payment whose issuer declined it there is a sum as well: of nothing.
        net_debit_amount: net_debit
            .map_err(|error| errors::index_failed(&error))?
            .filter(|_| view.state() != PaymentState::Declined),
    })
}
