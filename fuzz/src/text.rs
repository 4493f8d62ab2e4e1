//! Text that may be an amount, a rate, a ratio or a currency: refused, or shown and read again as the same.

use money::{Currency, Money, Rate, Ratio, Weight};

/// Reads these bytes as text.
///
/// # Panics
/// When something does not hold that must.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(money) = Money::parse(text) {
        assert_eq!(Money::parse(&money.to_string()), Ok(money));
        assert_eq!(Money::parse(&money.grouped().to_string()), Ok(money));
    }
    if let Ok(rate) = Rate::parse(text) {
        assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
    }
    if let Ok(ratio) = Ratio::parse(text) {
        assert_eq!(Ratio::parse(&ratio.to_string()), Ok(ratio));
    }
    if let Ok(weight) = Weight::parse(text) {
        assert_eq!(Weight::parse(&weight.to_string()), Ok(weight));
    }
    if let Ok(currency) = Currency::from_code(text) {
        assert_eq!(currency.code(), text);
    }
}
