//! What is said of a decline, to whom. The payer is told what to do and nothing about the card, its account or its limits;
//! the merchant is told what kind of no it was.

use domain::DeclineReason;

/// What may be shown to the payer.
#[must_use]
pub const fn payer_text(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::OrderAlreadyPaid => "This order has been paid already.",
        DeclineReason::ConsentNotFound | DeclineReason::ConsentMismatch => {
            "Please confirm this payment in your wallet again."
        }
        DeclineReason::QuoteExpired | DeclineReason::QuoteUsed | DeclineReason::QuoteMismatch => {
            "The offered rate no longer holds. Please ask for a new one."
        }
        DeclineReason::DebitAboveMax | DeclineReason::ConsentExceeded => {
            "This is more than you agreed to. Please confirm the new amount."
        }
        DeclineReason::InsufficientBalance => "Your balance is too low for this payment.",
        DeclineReason::CardPaymentLimit | DeclineReason::CardYearLimit => {
            "This is above what you can pay by card. Please ask your wallet about your limits."
        }
        DeclineReason::CardExpired => "This card has expired. Please use another one.",
        DeclineReason::ContactIssuer => "Please contact your card's bank, or use another card.",
        DeclineReason::IssuerUnavailable => {
            "Your card's bank did not answer. You were not charged; please try again later."
        }
        DeclineReason::QuoteNotReproduced
        | DeclineReason::DebitAmountTooLarge
        | DeclineReason::AccountClosed
        | DeclineReason::AccountFrozen
        | DeclineReason::AccountNotEmpty
        | DeclineReason::CardPersonsLimit
        | DeclineReason::ExposureLimit
        | DeclineReason::NotEnough
        | DeclineReason::BalanceLimit
        | DeclineReason::NetworkRejected
        | DeclineReason::BatchDeclined => "This payment cannot be made. Please use another way to pay.",
        DeclineReason::CardPickUp
        | DeclineReason::CardSuspected
        | DeclineReason::CardInvalid
        | DeclineReason::CardNotPermitted
        | DeclineReason::CardLimit
        | DeclineReason::CardFunds
        | DeclineReason::PartiallyApproved
        | DeclineReason::IssuerDeclined => {
            "Your card was declined. Please use another one, or contact your card's bank."
        }
    }
}

/// What the merchant may know.
#[must_use]
pub const fn merchant_text(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::OrderAlreadyPaid => "another payment holds this merchant_order_id",
        DeclineReason::ConsentNotFound => "no such consent, or it was used up, revoked or has expired",
        DeclineReason::ConsentMismatch => "the consent is for another merchant or account",
        DeclineReason::QuoteExpired => "the quote no longer holds",
        DeclineReason::QuoteUsed => "another payment has used the quote",
        DeclineReason::QuoteMismatch => "the quote is for another merchant, payer or amount",
        DeclineReason::QuoteNotReproduced => "the quoted amounts do not follow from the rate and the markup in force",
        DeclineReason::DebitAmountTooLarge => "an amount would be above the largest one",
        DeclineReason::DebitAboveMax => "the debit is above max_debit_amount",
        DeclineReason::ConsentExceeded => "the debit is above what the payer agreed to",
        DeclineReason::AccountClosed => "the account is closed",
        DeclineReason::AccountFrozen => "the account is frozen",
        DeclineReason::AccountNotEmpty => "the account is not empty",
        DeclineReason::CardPersonsLimit => "the card is bound to as many persons as one may be",
        DeclineReason::CardPaymentLimit => "above the largest payment of the payer's tier",
        DeclineReason::CardYearLimit => "above what the payer's tier may pay within a year",
        DeclineReason::ExposureLimit => "the switch would hold too much of a currency open",
        DeclineReason::NotEnough => "less is owed than is to be given, and no reserve makes up for it",
        DeclineReason::InsufficientBalance => "the available balance is too small",
        DeclineReason::BalanceLimit => "an account would hold more than one may",
        DeclineReason::CardPickUp => "issuer: the card is lost, stolen or to be kept; do not try again",
        DeclineReason::CardSuspected => {
            "issuer: suspected fraud, or a check of law or security failed; do not try again"
        }
        DeclineReason::CardInvalid => "issuer: no such card, or its account is closed; do not try again",
        DeclineReason::CardExpired => "issuer: the card has expired",
        DeclineReason::CardNotPermitted => "issuer: not with this card, or not at this merchant",
        DeclineReason::CardLimit => "issuer: above what the card may pay, in amount or number",
        DeclineReason::CardFunds => "issuer: too little on the card",
        DeclineReason::PartiallyApproved => "issuer: approved a part only, which was given back",
        DeclineReason::ContactIssuer => "issuer: wants to hear from its cardholder first",
        DeclineReason::IssuerDeclined => "issuer: declined without a reason",
        DeclineReason::NetworkRejected => "network: did not take the message",
        DeclineReason::IssuerUnavailable => {
            "network: not reachable, or no answer in time; what was asked by then is reversed"
        }
        DeclineReason::BatchDeclined => "another payment of the batch was declined",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payer_learns_nothing_of_a_card_that_its_bank_keeps_from_others() {
        let hidden = ["fraud", "stolen", "lost", "funds", "limit of", "keep"];
        for reason in DeclineReason::ALL {
            let told = payer_text(reason);
            assert!(hidden.iter().all(|word| !told.contains(word)), "{told}");
            assert_ne!(told, merchant_text(reason));
        }
        let secret = [DeclineReason::CardPickUp, DeclineReason::CardSuspected, DeclineReason::CardFunds];
        assert!(secret.iter().all(|reason| payer_text(*reason) == payer_text(DeclineReason::IssuerDeclined)));
    }
}
