//! What DE 39 means in reasons of ours, and which code tells a network of each reason (ISO 8583:1987 DE 39).

use domain::DeclineReason;

use crate::field::ResponseCode;

/// Codes that issuers and networks decline with, in order. Codes that are not here are an issuer's no without a why.
const REASONS: [([u8; 2], DeclineReason); 36] = [
    (*b"01", DeclineReason::ContactIssuer),
    (*b"02", DeclineReason::ContactIssuer),
    (*b"03", DeclineReason::CardNotPermitted),
    (*b"04", DeclineReason::CardPickUp),
    (*b"05", DeclineReason::IssuerDeclined),
    (*b"07", DeclineReason::CardPickUp),
    (*b"10", DeclineReason::PartiallyApproved),
    (*b"12", DeclineReason::NetworkRejected),
    (*b"13", DeclineReason::NetworkRejected),
    (*b"14", DeclineReason::CardInvalid),
    (*b"15", DeclineReason::CardInvalid),
    (*b"19", DeclineReason::IssuerUnavailable),
    (*b"25", DeclineReason::NetworkRejected),
    (*b"30", DeclineReason::NetworkRejected),
    (*b"33", DeclineReason::CardExpired),
    (*b"34", DeclineReason::CardSuspected),
    (*b"41", DeclineReason::CardPickUp),
    (*b"43", DeclineReason::CardPickUp),
    (*b"46", DeclineReason::CardInvalid),
    (*b"51", DeclineReason::CardFunds),
    (*b"54", DeclineReason::CardExpired),
    (*b"55", DeclineReason::ContactIssuer),
    (*b"57", DeclineReason::CardNotPermitted),
    (*b"58", DeclineReason::CardNotPermitted),
    (*b"59", DeclineReason::CardSuspected),
    (*b"61", DeclineReason::CardLimit),
    (*b"62", DeclineReason::CardNotPermitted),
    (*b"63", DeclineReason::CardSuspected),
    (*b"64", DeclineReason::CardSuspected),
    (*b"65", DeclineReason::CardLimit),
    (*b"68", DeclineReason::IssuerUnavailable),
    (*b"75", DeclineReason::ContactIssuer),
    (*b"91", DeclineReason::IssuerUnavailable),
    (*b"92", DeclineReason::IssuerUnavailable),
    (*b"94", DeclineReason::NetworkRejected),
    (*b"96", DeclineReason::IssuerUnavailable),
];

/// Why a network or an issuer says no with this code. A code that is not known is a no without a why:
/// [`DeclineReason::IssuerDeclined`]. `00` says yes, so nobody has a reason to ask for it; it is as one that is not known.
#[must_use]
pub fn reason(code: ResponseCode) -> DeclineReason {
    let row = REASONS.binary_search_by_key(&code.as_str().as_bytes(), |(code, _)| code.as_slice()).ok();
    row.and_then(|row| REASONS.get(row)).map_or(DeclineReason::IssuerDeclined, |(_, reason)| *reason)
}

/// What a network is told of this reason. The reasons of issuers and networks are read back from it; those of the switch
/// are told as the nearest thing that an issuer could say.
#[must_use]
pub const fn code(reason: DeclineReason) -> ResponseCode {
    use DeclineReason as Reason;
    let text = match reason {
        Reason::ContactIssuer => b"01",
        Reason::CardPickUp => b"04",
        Reason::IssuerDeclined | Reason::ExposureLimit | Reason::BatchDeclined => b"05",
        Reason::ConsentNotFound | Reason::ConsentMismatch => b"05",
        Reason::PartiallyApproved => b"10",
        Reason::AccountNotEmpty => b"12",
        Reason::QuoteExpired | Reason::QuoteUsed | Reason::QuoteMismatch | Reason::QuoteNotReproduced => b"13",
        Reason::DebitAmountTooLarge => b"13",
        Reason::CardInvalid => b"14",
        Reason::NetworkRejected => b"30",
        Reason::AccountClosed => b"46",
        Reason::CardFunds | Reason::InsufficientBalance | Reason::NotEnough => b"51",
        Reason::CardExpired => b"54",
        Reason::CardNotPermitted => b"57",
        Reason::CardSuspected => b"59",
        Reason::CardLimit | Reason::CardPaymentLimit | Reason::CardYearLimit => b"61",
        Reason::DebitAboveMax | Reason::ConsentExceeded | Reason::BalanceLimit => b"61",
        Reason::AccountFrozen => b"62",
        Reason::CardPersonsLimit => b"65",
        Reason::IssuerUnavailable => b"91",
        Reason::OrderAlreadyPaid => b"94",
    };
    ResponseCode::new(*text).expect("two digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code with two digits or letters.
    fn all() -> impl Iterator<Item = ResponseCode> {
        let characters = || (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z');
        characters().flat_map(move |first| characters().filter_map(move |second| ResponseCode::new([first, second])))
    }

    #[test]
    fn every_code_has_its_reason_and_all_others_are_a_plain_no() {
        let table = [
            (DeclineReason::ContactIssuer, "01 02 55 75"),
            (DeclineReason::CardNotPermitted, "03 57 58 62"),
            (DeclineReason::CardPickUp, "04 07 41 43"),
            (DeclineReason::PartiallyApproved, "10"),
            (DeclineReason::NetworkRejected, "12 13 25 30 94"),
            (DeclineReason::CardInvalid, "14 15 46"),
            (DeclineReason::IssuerUnavailable, "19 68 91 92 96"),
            (DeclineReason::CardExpired, "33 54"),
            (DeclineReason::CardSuspected, "34 59 63 64"),
            (DeclineReason::CardFunds, "51"),
            (DeclineReason::CardLimit, "61 65"),
        ];
        let mut told = 0;
        for code in all() {
            let row = table.iter().find(|(_, codes)| codes.split(' ').any(|other| other == code.as_str()));
            told += usize::from(row.is_some());
            assert_eq!(reason(code), row.map_or(DeclineReason::IssuerDeclined, |(reason, _)| *reason), "{code}");
        }
        // With 05, which is the plain no itself.
        assert_eq!(told + 1, REASONS.len());
        assert!(REASONS.is_sorted_by_key(|(code, _)| code), "looked up by halves");
    }

    #[test]
    fn the_reasons_of_issuers_are_read_back_from_their_codes() {
        let of_issuers = [
            DeclineReason::IssuerDeclined,
            DeclineReason::CardFunds,
            DeclineReason::CardExpired,
            DeclineReason::CardInvalid,
            DeclineReason::CardNotPermitted,
            DeclineReason::CardLimit,
            DeclineReason::CardSuspected,
            DeclineReason::CardPickUp,
            DeclineReason::ContactIssuer,
            DeclineReason::IssuerUnavailable,
            DeclineReason::PartiallyApproved,
            DeclineReason::NetworkRejected,
        ];
        for told in of_issuers {
            assert_eq!(reason(code(told)), told);
        }
        for told in DeclineReason::ALL {
            assert_ne!(code(told), ResponseCode::APPROVED, "{told:?}");
            assert!(code(told).meaning().is_some(), "{told:?}");
        }
    }
}
