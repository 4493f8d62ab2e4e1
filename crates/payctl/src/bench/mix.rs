//! How many calls of each kind a load makes.

use std::str::FromStr;

use super::chance::draw;
use super::tally::Kind;

const FOR_KIND: u64 = 21;
const FOR_HOLD: u64 = 22;

/// Shares of the kinds of calls, in parts of their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mix {
    authorize: u64,
    capture: u64,
    refund: u64,
    get: u64,
}

impl Mix {
    /// Nothing but payments.
    pub(super) const PAYMENTS: Self = Self { authorize: 1, capture: 0, refund: 0, get: 0 };

    /// Whether nothing is asked of payments once they are made.
    pub(super) fn is_payments_only(self) -> bool {
        self.capture + self.refund + self.get == 0
    }

    /// The kind of call number `number`.
    pub(super) fn kind(self, number: u64) -> Kind {
        let Self { authorize, capture, refund, get } = self;
        let drawn = draw(number, FOR_KIND) % (authorize + capture + refund + get);
        match drawn {
            drawn if drawn < authorize => Kind::Main,
            drawn if drawn < authorize + capture => Kind::Capture,
            drawn if drawn < authorize + capture + refund => Kind::Refund,
            _ => Kind::Get,
        }
    }

    /// Whether payment number `number` is held and not captured at once: as many are as there are captures.
    pub(super) fn is_held(self, number: u64) -> bool {
        draw(number, FOR_HOLD) % self.authorize < self.capture
    }
}

/// Reads `authorize=70,capture=10,refund=10,get=10`.
impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Self { authorize: 0, capture: 0, refund: 0, get: 0 };
        for part in text.split(',') {
            let wrong = || format!("{part:?}: a mix reads authorize=70,capture=10,refund=10,get=10");
            let (kind, share) = part.split_once('=').ok_or_else(wrong)?;
            let share: u32 = share.trim().parse().map_err(|_| wrong())?;
            let place = match kind.trim() {
                "authorize" => &mut mix.authorize,
                "capture" => &mut mix.capture,
                "refund" => &mut mix.refund,
                "get" => &mut mix.get,
                _ => return Err(wrong()),
            };
            *place = share.into();
        }
        if mix.authorize == 0 || mix.capture > mix.authorize || mix.refund > mix.authorize {
            return Err("each capture and each refund is of another payment: authorize is the largest share".to_owned());
        }
        Ok(mix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_come_as_often_as_asked() {
        let mix: Mix = "authorize=70,capture=10, refund=5,get=15".parse().unwrap();
        let (mut found, mut held) = ([0_u32; 4], 0_u32);
        for number in 0..20_000 {
            match mix.kind(number) {
                Kind::Main => {
                    found[0] += 1;
                    held += u32::from(mix.is_held(number));
                }
                Kind::Capture => found[1] += 1,
                Kind::Refund => found[2] += 1,
                Kind::Get => found[3] += 1,
                Kind::Repeat => unreachable!("a repeat is not drawn"),
            }
        }
        for (found, expected) in found.into_iter().chain([held]).zip([14_000_u32, 2_000, 1_000, 3_000, 2_000]) {
            assert!(found.abs_diff(expected) < 300, "{found} for {expected}");
        }
        assert!(!mix.is_payments_only() && Mix::PAYMENTS.is_payments_only());
        assert!((0..100).all(|number| Mix::PAYMENTS.kind(number) == Kind::Main && !Mix::PAYMENTS.is_held(number)));
    }

    #[test]
    fn a_mix_that_cannot_be_is_refused() {
        for wrong in
            ["", "authorize", "authorize=x", "pay=1", "capture=1", "authorize=1,capture=2", "authorize=1,refund=2"]
        {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }
}
