use domain::{
    AccountId, AccountKind, CardToken, Conversions, Converted, Label, Lsn, MerchantId, Offer, Pricing, Quote, QuoteId,
    QuotedAmounts, SettlementQuote, Timestamp,
};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, ExactRate, Money, Prices, Rate, Ratio, Weight};
use proptest::prelude::*;

use super::*;
use crate::journal::tests::arbitrary::payments::{conversions, offer};

fn key(id: u32) -> QuoteKey {
    QuoteKey::new(id, &[u8::try_from(id).unwrap(); SECRET_BYTES])
}

fn tokens(current: u32, earlier: &[u32]) -> QuoteTokens {
    QuoteTokens::new(key(current), earlier.iter().copied().map(key)).unwrap()
}

fn pricing(prices: Prices, source: &str) -> Pricing {
    Pricing {
        prices,
        rate_lsn: Lsn::new(9),
        cross_lsn: None,
        as_of: Timestamp::from_micros(1_700_000_000_000_000),
        source: Label::new(source).unwrap(),
    }
}

/// CNY 100.00 out of an HKD wallet.
fn offered() -> OfferedQuote {
    let offer = Offer {
        quote_id: QuoteId::from_bytes([0x11; 16]),
        expires_at: Timestamp::from_micros(1_700_000_600_000_000),
        merchant: MerchantId(1),
        payer: AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 3 },
        presentment_amount: Money::new(Currency::CNY, 10_000),
        card: None,
    };
    let mid = Prices::mid_only(Rate::parse("1.179291231").unwrap().into());
    let quote = Quote {
        pricing: pricing(mid, "desk"),
        markup: Ratio::parse("0.01").unwrap(),
        move_ppm: 0,
        exposure_weight: Weight::ONE,
        amounts: Some(QuotedAmounts {
            debit: Money::new(Currency::HKD, 11_911),
            mid: Money::new(Currency::HKD, 11_793),
        }),
    };
    let conversions = Conversions { debit: Converted::quoted(quote), settlement: Converted::SameCurrency };
    OfferedQuote { offer, conversions }
}

/// The same with all that a token can say, as long as it can be said.
fn longest() -> OfferedQuote {
    let part = 10_u128.pow(30);
    let exact = |above, below| ExactRate::from_parts(above, below).unwrap();
    let prices = Prices::new(exact(part - 3, part), exact(part - 1, part), exact(part, part - 1)).unwrap();
    let last = Pricing {
        rate_lsn: Lsn::new(u64::MAX),
        cross_lsn: Some(Lsn::new(u64::MAX)),
        as_of: Timestamp::from_micros(-1),
        ..pricing(prices, &"\u{1d11e}".repeat(64))
    };
    let most = |currency| Money::new(currency, AMOUNT_MINOR_UNITS_MAX.into());
    let account = AccountId { kind: AccountKind::MerchantReserve, currency: Currency::USD, index: u32::MAX };
    let offer = Offer {
        merchant: MerchantId(u32::MAX),
        payer: account,
        presentment_amount: most(Currency::USD),
        expires_at: Timestamp::from_micros(-1),
        card: Some(CardToken::from_bytes([0xff; 16])),
        ..offered().offer
    };
    let quote = Quote {
        pricing: last.clone(),
        markup: Ratio::parse("1").unwrap(),
        move_ppm: u32::MAX,
        exposure_weight: Weight::parse("1000").unwrap(),
        amounts: Some(QuotedAmounts { debit: most(account.currency), mid: most(account.currency) }),
    };
    let settlement = SettlementQuote { pricing: last, gross: Some(most(Currency::USD)) };
    let conversions = Conversions { debit: Converted::quoted(quote), settlement: Converted::quoted(settlement) };
    OfferedQuote { offer, conversions }
}

proptest! {
    #[test]
    fn a_token_tells_what_was_offered(
        (offer, conversions) in offer().prop_flat_map(|offer| { let of = conversions(offer.payer.currency); (Just(offer), of) })
    ) {
        let offered = OfferedQuote { offer, conversions };
        prop_assert_eq!(tokens(1, &[]).verify(&tokens(1, &[]).sign(&offered)), Some(offered));
    }

    #[test]
    fn arbitrary_text_is_no_token(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(tokens(1, &[]).verify(&text), None);
        prop_assert_eq!(tokens(1, &[]).verify(&BASE64_URL_SAFE_NO_PAD.encode(bytes)), None);
    }
}

#[test]
fn a_token_has_a_greatest_length() {
    let token = tokens(1, &[]).sign(&longest());
    assert!(token.len() <= TOKEN_CHARS_MAX, "{}", token.len());
    assert_eq!(tokens(1, &[]).verify(&token), Some(longest()));
    assert_eq!(tokens(1, &[]).verify(&"A".repeat(TOKEN_CHARS_MAX + 1)), None);
}

#[test]
fn a_token_with_a_single_bit_flipped_is_refused() {
    let tokens = tokens(1, &[]);
    let token = tokens.sign(&offered());
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
    for place in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        assert_eq!(tokens.verify(&BASE64_URL_SAFE_NO_PAD.encode(flipped)), None, "bit {place}");
    }
    // Not only of the bytes behind the text: of the text itself, whose last character has bits to spare.
    for place in 0..token.len() * 8 {
        let mut flipped = token.clone().into_bytes();
        flipped[place / 8] ^= 1 << (place % 8);
        if let Ok(text) = String::from_utf8(flipped) {
            assert_eq!(tokens.verify(&text), None, "bit {place} of the text");
        }
    }
    for cut in 0..token.len() {
        assert_eq!(tokens.verify(&token[..cut]), None, "cut at {cut}");
    }
    assert_eq!(tokens.verify(&format!("{token}=")), None);
}

/// While a key is changed: the new one signs, both count; then the old one is dropped.
#[test]
fn keys_change_without_losing_a_quote() {
    let signed_before = tokens(1, &[]).sign(&offered());
    let both = tokens(2, &[1]);
    assert_eq!(both.verify(&signed_before), Some(offered()));
    let signed_after = both.sign(&offered());
    assert_ne!(signed_after, signed_before);
    // A daemon that has heard of the new key but does not sign by it yet.
    assert_eq!(tokens(1, &[2]).verify(&signed_after), Some(offered()));
    assert_eq!(tokens(2, &[]).verify(&signed_after), Some(offered()));
    assert_eq!(tokens(2, &[]).verify(&signed_before), None);
    assert_eq!(tokens(3, &[]).verify(&signed_after), None);
}

#[test]
fn another_secret_of_the_same_number_is_another_key() {
    let other = QuoteTokens::new(QuoteKey::new(1, &[0xff; SECRET_BYTES]), []).unwrap();
    assert_eq!(other.verify(&tokens(1, &[]).sign(&offered())), None);
}

#[test]
fn a_number_names_one_key() {
    assert_eq!(QuoteTokens::new(key(1), [key(2), key(1)]).map(|_| ()), Err(RepeatedKey(1)));
}

#[test]
fn a_key_does_not_print_its_secret() {
    let printed = format!("{:?}", tokens(7, &[]));
    assert_eq!(printed, r#"QuoteTokens { current: 7, keys: {7: QuoteKey { id: 7, secret: "***" }} }"#);
}

/// Tokens outlive the daemon that signed them: a change here spoils those that callers hold.
#[test]
fn tokens_never_change() {
    assert_eq!(
        tokens(1, &[]).sign(&offered()),
        "AQAAAAEKKwoQERERERERERERERERERERERCAjIbfw8SCAxgBIIOAgICAq0AonAEwkE4SIgjfnKqyBBA\
         JGJBOIAkogID5wMHEggMyBGRlc2s4h11AkVxdnHLg2GzKzarp_BXVGAkCJOk0eINbbbWuVkwXo6xXiQ"
    );
}
