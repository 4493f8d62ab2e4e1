//! The message type identifier.

use core::fmt;

/// The type of a message: version 0 (1987), class, function and origin, as in `0100` (ISO 8583:1987, message type
/// identifier). Every identifier of version 0 can be carried; the ones that a switch knows have names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mti {
    class: u8,
    function: u8,
    origin: u8,
}

/// What a message is about: the second digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 1: may this be paid?
    Authorization,
    /// 2: it is paid.
    Financial,
    /// 3: a change of a file.
    FileAction,
    /// 4: an earlier message is undone.
    Reversal,
    /// 5: totals are compared.
    Reconciliation,
    /// 6: administrative.
    Administrative,
    /// 7: fees are collected.
    FeeCollection,
    /// 8: the link itself.
    NetworkManagement,
    /// 0 or 9.
    Reserved,
}

/// What a message asks or answers: the third digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// 0: asks.
    Request,
    /// 1: answers a request.
    Response,
    /// 2: tells what has happened already.
    Advice,
    /// 3: answers an advice.
    AdviceResponse,
    /// 4: tells, and wants no answer.
    Notification,
    /// 5 to 9.
    Reserved,
}

/// Who began, and whether this is a repeat: the last digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// 0.
    Acquirer,
    /// 1.
    AcquirerRepeat,
    /// 2.
    Issuer,
    /// 3.
    IssuerRepeat,
    /// 4.
    Other,
    /// 5.
    OtherRepeat,
    /// 6 to 9.
    Reserved,
}

impl Mti {
    /// `0100`
    pub const AUTHORIZATION_REQUEST: Self = Self::known(1, 0, 0);
    /// `0110`
    pub const AUTHORIZATION_RESPONSE: Self = Self::known(1, 1, 0);
    /// `0120`
    pub const AUTHORIZATION_ADVICE: Self = Self::known(1, 2, 0);
    /// `0121`
    pub const AUTHORIZATION_ADVICE_REPEAT: Self = Self::known(1, 2, 1);
    /// `0130`
    pub const AUTHORIZATION_ADVICE_RESPONSE: Self = Self::known(1, 3, 0);
    /// `0200`
    pub const FINANCIAL_REQUEST: Self = Self::known(2, 0, 0);
    /// `0210`
    pub const FINANCIAL_RESPONSE: Self = Self::known(2, 1, 0);
    /// `0220`
    pub const FINANCIAL_ADVICE: Self = Self::known(2, 2, 0);
    /// `0221`
    pub const FINANCIAL_ADVICE_REPEAT: Self = Self::known(2, 2, 1);
    /// `0230`
    pub const FINANCIAL_ADVICE_RESPONSE: Self = Self::known(2, 3, 0);
    /// `0400`
    pub const REVERSAL_REQUEST: Self = Self::known(4, 0, 0);
    /// `0401`
    pub const REVERSAL_REQUEST_REPEAT: Self = Self::known(4, 0, 1);
    /// `0410`
    pub const REVERSAL_RESPONSE: Self = Self::known(4, 1, 0);
    /// `0420`
    pub const REVERSAL_ADVICE: Self = Self::known(4, 2, 0);
    /// `0421`
    pub const REVERSAL_ADVICE_REPEAT: Self = Self::known(4, 2, 1);
    /// `0430`
    pub const REVERSAL_ADVICE_RESPONSE: Self = Self::known(4, 3, 0);
    /// `0800`
    pub const NETWORK_REQUEST: Self = Self::known(8, 0, 0);
    /// `0810`
    pub const NETWORK_RESPONSE: Self = Self::known(8, 1, 0);

    const fn known(class: u8, function: u8, origin: u8) -> Self {
        Self { class, function, origin }
    }

    /// The identifier that four ASCII digits spell, or `None` when they are none of version 0. Later versions have other
    /// elements under the same numbers, so they are not taken for this one.
    #[must_use]
    pub const fn new(text: &[u8; 4]) -> Option<Self> {
        let [b'0', class @ b'0'..=b'9', function @ b'0'..=b'9', origin @ b'0'..=b'9'] = *text else { return None };
        Some(Self {
            class: class.wrapping_sub(b'0'),
            function: function.wrapping_sub(b'0'),
            origin: origin.wrapping_sub(b'0'),
        })
    }

    /// The four ASCII digits.
    #[must_use]
    pub const fn text(self) -> [u8; 4] {
        // The digits are below ten.
        [b'0', self.class.wrapping_add(b'0'), self.function.wrapping_add(b'0'), self.origin.wrapping_add(b'0')]
    }

    /// What it is about.
    #[must_use]
    pub const fn class(self) -> Class {
        match self.class {
            1 => Class::Authorization,
            2 => Class::Financial,
            3 => Class::FileAction,
            4 => Class::Reversal,
            5 => Class::Reconciliation,
            6 => Class::Administrative,
            7 => Class::FeeCollection,
            8 => Class::NetworkManagement,
            _ => Class::Reserved,
        }
    }

    /// What it asks or answers.
    #[must_use]
    pub const fn function(self) -> Function {
        match self.function {
            0 => Function::Request,
            1 => Function::Response,
            2 => Function::Advice,
            3 => Function::AdviceResponse,
            4 => Function::Notification,
            _ => Function::Reserved,
        }
    }

    /// Who began.
    #[must_use]
    pub const fn origin(self) -> Origin {
        match self.origin {
            0 => Origin::Acquirer,
            1 => Origin::AcquirerRepeat,
            2 => Origin::Issuer,
            3 => Origin::IssuerRepeat,
            4 => Origin::Other,
            5 => Origin::OtherRepeat,
            _ => Origin::Reserved,
        }
    }

    /// Whether it says of itself that it was sent before.
    #[must_use]
    pub const fn is_repeat(self) -> bool {
        matches!(self.origin(), Origin::AcquirerRepeat | Origin::IssuerRepeat | Origin::OtherRepeat)
    }

    /// The type of the answer to a request or an advice, or `None` when there is none. A repeat is answered as what it
    /// repeats: `0121` by `0130`.
    #[must_use]
    pub const fn response(self) -> Option<Self> {
        let function = match self.function() {
            Function::Request => 1,
            Function::Advice => 3,
            Function::Response | Function::AdviceResponse | Function::Notification | Function::Reserved => return None,
        };
        let origin = match self.origin() {
            Origin::Acquirer | Origin::AcquirerRepeat => 0,
            Origin::Issuer | Origin::IssuerRepeat => 2,
            Origin::Other | Origin::OtherRepeat => 4,
            Origin::Reserved => return None,
        };
        Some(Self { class: self.class, function, origin })
    }
}

impl fmt::Display for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0{}{}{}", self.class, self.function, self.origin)
    }
}

impl fmt::Debug for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn requests_and_advices_have_the_answers_of_the_standard() {
        for (asked, answered) in [
            (b"0100", Some("0110")),
            (b"0120", Some("0130")),
            (b"0121", Some("0130")),
            (b"0200", Some("0210")),
            (b"0220", Some("0230")),
            (b"0221", Some("0230")),
            (b"0400", Some("0410")),
            (b"0401", Some("0410")),
            (b"0420", Some("0430")),
            (b"0421", Some("0430")),
            (b"0800", Some("0810")),
            (b"0302", Some("0312")),
            (b"0303", Some("0312")),
            (b"0605", Some("0614")),
            (b"0110", None),
            (b"0130", None),
            (b"0140", None),
            (b"0180", None),
            (b"0107", None),
        ] {
            let response = Mti::new(asked).expect("version 0").response();
            assert_eq!(response.map(|mti| mti.to_string()).as_deref(), answered);
        }
    }

    #[test]
    fn a_type_tells_what_it_is() {
        let repeat = Mti::REVERSAL_ADVICE_REPEAT;
        assert_eq!(
            (repeat.class(), repeat.function(), repeat.origin()),
            (Class::Reversal, Function::Advice, Origin::AcquirerRepeat)
        );
        assert!(repeat.is_repeat() && !Mti::REVERSAL_ADVICE.is_repeat());
        assert_eq!(Mti::NETWORK_RESPONSE.function(), Function::Response);
    }

    #[test]
    fn every_type_of_version_0_is_carried_and_no_other() {
        for number in 0..10_000_u16 {
            let text = alloc::format!("{number:04}");
            let bytes: [u8; 4] = text.as_bytes().try_into().expect("four digits");
            let mti = Mti::new(&bytes);
            assert_eq!(mti.map(Mti::text), (number < 1_000).then_some(bytes));
            assert_eq!(mti.map(|mti| mti.to_string()), (number < 1_000).then_some(text));
        }
        assert_eq!([b"01 0", b"010A", b"/100"].map(Mti::new), [None; 3]);
    }
}
