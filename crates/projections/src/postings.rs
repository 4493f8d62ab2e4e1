//! The postings of a record.

use domain::{Command, Event, PaymentId, Posting, Record};

/// The postings of a record in order, each with the payment it belongs to, if it belongs to one.
pub(crate) fn postings_of(record: &Record) -> impl Iterator<Item = (Option<PaymentId>, &Posting)> {
    let (own, priced) = match &record.event {
        Event::FundsMoved { posting, .. } | Event::ReserveFunded(posting) | Event::PaidOut(posting) => {
            (std::slice::from_ref(posting), &[][..])
        }
        Event::PaymentCaptured(captured) => (&*captured.postings, &[][..]),
        Event::PaymentRefunded(refunded) => (&*refunded.postings, &[][..]),
        Event::RefundPending(pending) => (&*pending.postings, &[][..]),
        Event::PositionSquared(postings) => (&**postings, &[][..]),
        Event::RefundsPriced(priced) => (&[][..], &**priced),
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished(_)
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::PaymentAuthorized(_)
        | Event::PaymentVoided(_)
        | Event::AuthorizationIncreased(_)
        | Event::HoldsExpired(_)
        | Event::AccountFrozen
        | Event::AccountUnfrozen
        | Event::CodeIssued { .. }
        | Event::OrderApproved
        | Event::MandateGranted
        | Event::MandateRevoked
        | Event::Declined(_) => (&[][..], &[][..]),
    };
    let payment = asked_of(&record.command);
    let own = own.iter().map(move |posting| (payment, posting));
    own.chain(priced.iter().flat_map(|refund| refund.postings.iter().map(|posting| (Some(refund.payment_id), posting))))
}

/// The payment a command speaks of, if it speaks of one.
pub(crate) fn asked_of(command: &Command) -> Option<PaymentId> {
    match command {
        Command::AuthorizePayment(command) => Some(command.payment_id),
        Command::CapturePayment(command) => Some(command.payment_id),
        Command::VoidPayment(command) => Some(command.payment_id),
        Command::RefundPayment(command) => Some(command.payment_id),
        Command::IncreaseAuthorization(command) => Some(command.payment_id),
        Command::InitializeSwitch(_)
        | Command::InstallPolicy(_)
        | Command::RegisterWallet(_)
        | Command::RegisterMerchant(_)
        | Command::PublishRates(_)
        | Command::OpenAccount(_)
        | Command::CloseAccount(_)
        | Command::Deposit(_)
        | Command::Withdraw(_)
        | Command::ExpireHolds
        | Command::PriceRefunds
        | Command::FreezeAccount(_)
        | Command::UnfreezeAccount(_)
        | Command::IssueCode(_)
        | Command::ApproveOrder(_)
        | Command::GrantMandate(_)
        | Command::RevokeMandate(_)
        | Command::FundReserve(_)
        | Command::PayOut(_)
        | Command::SquarePosition(_) => None,
    }
}
