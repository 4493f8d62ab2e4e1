//! Codes: what is asked, what is answered, what a link does.

use core::{fmt, str};

use super::{
    Value,
    text::{Parts, whole},
};

/// A code of two digits, 00 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TwoDigits(
    // At most 99.
    u8,
);

impl TwoDigits {
    /// This code, or `None` above 99.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number > 99 { None } else { Some(Self(number)) }
    }

    /// The number it spells.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for TwoDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// What is to be done, and with which accounts of the payer (ISO 8583:1987 DE 3, `n6`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessingCode {
    /// `00` goods and services, `01` cash, `20` refund, `31` balance, and others.
    pub service: TwoDigits,
    /// The type of the account that is debited; `00` when it is not said.
    pub debited: TwoDigits,
    /// The type of the account that is credited; `00` when it is not said.
    pub credited: TwoDigits,
}

impl ProcessingCode {
    /// `000000`: goods and services.
    pub const PURCHASE: Self = Self::of(0);
    /// `200000`: a refund.
    pub const REFUND: Self = Self::of(20);
    /// `310000`: the balance is asked.
    pub const BALANCE: Self = Self::of(31);

    const fn of(service: u8) -> Self {
        Self { service: TwoDigits(service), debited: TwoDigits(0), credited: TwoDigits(0) }
    }
}

impl Value for ProcessingCode {
    const SHAPE: &'static str = "a processing code of 6 digits";

    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = Parts(text);
        let mut next = || TwoDigits::new(parts.number(2)?);
        let code = Self { service: next()?, debited: next()?, credited: next()? };
        parts.end(code)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{}{}{}", self.service, self.debited, self.credited)
    }
}

/// The answer (ISO 8583:1987 DE 39, `an2`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseCode(
    // Letters and digits.
    [u8; 2],
);

/// What codes mean, for people, in order. Partners have codes of their own beside them.
const MEANINGS: [([u8; 2], &str); 34] = [
    (*b"00", "approved"),
    (*b"01", "refer to the issuer"),
    (*b"03", "unknown merchant"),
    (*b"04", "keep the card"),
    (*b"05", "do not honour"),
    (*b"06", "error"),
    (*b"10", "approved in part"),
    (*b"12", "invalid request"),
    (*b"13", "invalid amount, or it cannot be converted"),
    (*b"14", "unknown card number"),
    (*b"15", "unknown issuer"),
    (*b"19", "try again"),
    (*b"25", "the record was not found"),
    (*b"30", "format error"),
    (*b"41", "lost card, keep it"),
    (*b"43", "stolen card, keep it"),
    (*b"46", "closed account"),
    (*b"51", "insufficient funds"),
    (*b"54", "expired card"),
    (*b"55", "wrong PIN"),
    (*b"57", "not permitted to the card"),
    (*b"58", "not permitted to the terminal"),
    (*b"59", "suspected fraud"),
    (*b"61", "over the limit of amounts"),
    (*b"62", "restricted card or region"),
    (*b"63", "security violation"),
    (*b"64", "against the rules on money laundering"),
    (*b"65", "over the limit of uses"),
    (*b"68", "the answer came too late"),
    (*b"75", "too many wrong PINs"),
    (*b"91", "the issuer does not answer"),
    (*b"92", "no route to the issuer"),
    (*b"94", "sent twice"),
    (*b"96", "system malfunction"),
];

impl ResponseCode {
    /// `00`
    pub const APPROVED: Self = Self(*b"00");
    /// `10`: less than what was asked.
    pub const APPROVED_IN_PART: Self = Self(*b"10");

    /// The code of these characters, or `None` when they are not letters and digits.
    #[must_use]
    pub const fn new(text: [u8; 2]) -> Option<Self> {
        let [first, second] = text;
        if first.is_ascii_alphanumeric() && second.is_ascii_alphanumeric() { Some(Self(text)) } else { None }
    }

    /// Its two characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("letters and digits")
    }

    /// What it means, for people, or `None` when it is not one that all know.
    #[must_use]
    pub fn meaning(self) -> Option<&'static str> {
        let row = MEANINGS.binary_search_by_key(&self.0, |(code, _)| *code).ok()?;
        MEANINGS.get(row).map(|(_, meaning)| *meaning)
    }

    /// The codes that have a meaning here, in order.
    pub fn known() -> impl Iterator<Item = Self> {
        MEANINGS.iter().map(|(code, _)| Self(*code))
    }
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// With its meaning: `51 insufficient funds`.
impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(meaning) => write!(f, "{} {meaning}", self.as_str()),
            None => f.write_str(self.as_str()),
        }
    }
}

impl Value for ResponseCode {
    const SHAPE: &'static str = "two letters or digits";

    fn parse(text: &[u8]) -> Option<Self> {
        Self::new(text.try_into().ok()?)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What is asked of the link itself (ISO 8583:1987 DE 70, `n3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkCode(
    // At most 999.
    u16,
);

impl NetworkCode {
    /// `001`
    pub const SIGN_ON: Self = Self(1);
    /// `002`
    pub const SIGN_OFF: Self = Self(2);
    /// `301`: are you there?
    pub const ECHO: Self = Self(301);

    /// This code, or `None` above 999.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number > 999 { None } else { Some(Self(number)) }
    }

    /// The number it spells.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Value for NetworkCode {
    const SHAPE: &'static str = "a network management code of 3 digits";

    fn parse(text: &[u8]) -> Option<Self> {
        whole(text, 3).map(Self)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{:03}", self.0)
    }
}
