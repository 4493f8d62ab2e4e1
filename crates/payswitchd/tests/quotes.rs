//! What a payer is shown before being asked, and that it holds: signed offers, and the two rates of one payment.

mod support;

use client::Code;
use support::{
    parties::{End, Sandbox, account, caller, decided, money, payment, refused, sums},
    production::{Production, Ready},
};
use wire::v1::{self, CardConverter, DeclineReason, PaymentState};

const MINUTE_MS: u64 = 60_000;

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

fn quote_request(payer: &str, amount: v1::Money) -> v1::CreateRequest {
    v1::CreateRequest {
        merchant_id: String::new(),
        payer: Some(account(payer)),
        presentment_amount: Some(amount),
        ..v1::CreateRequest::default()
    }
}

async fn quote(client: &client::Client, payer: &str, amount: v1::Money) -> (v1::Quote, String) {
    let reply = client.quote(quote_request(payer, amount)).await.expect("there is a rate to quote by");
    (reply.quote.expect("a reply has its quote"), reply.quote_token)
}

/// A request to be paid at the rates of a quote.
fn quoted(key: &str, order: &str, payer: &str, amount: v1::Money, token: &str) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { quote_token: token.to_owned(), ..payment(key, order, payer, amount) }
}

#[tokio::test]
async fn a_quote_shows_all_that_follows_and_is_kept_to() {
    let sandbox = Sandbox::start();
    let (offer, token) = quote(&sandbox.cafe, "hk-alice", yuan(10_000)).await;
    assert_eq!((offer.merchant_id.as_str(), &offer.payer), ("demo-cafe", &Some(account("hk-alice"))));
    assert_eq!(offer.presentment_amount, Some(yuan(10_000)));
    assert_eq!(offer.debit_amount, Some(money("HKD", 11_911)));
    assert_eq!((offer.settlement_amount, offer.merchant_discount), (Some(yuan(9_940)), Some(yuan(60))));
    let conversion = offer.conversion.expect("another currency is debited");
    assert_eq!((conversion.mid_rate.as_str(), conversion.markup.as_str()), ("1.179291231", "0.01"));
    assert_eq!(
        (conversion.mid_amount, conversion.markup_amount),
        (Some(money("HKD", 11_793)), Some(money("HKD", 118)))
    );
    assert!(conversion.rate_source.starts_with("ECB 2026-10-30") && conversion.rate_as_of_time.is_some());
    assert_eq!(offer.settlement_conversion, None);
    let expires = offer.expire_time.expect("an offer ends");
    let made = conversion.rate_as_of_time.expect("a rate has its time");
    assert!((600..660).contains(&(expires.seconds - made.seconds)), "ten minutes");
    assert!((1..=1_536).contains(&token.len()) && token.is_ascii(), "{token}");

    sandbox.pin(["CNY", "HKD"], "1.3").await;
    let now = decided(sandbox.cafe.authorize(payment("now", "order-1", "hk-alice", yuan(10_000))).await);
    assert_eq!(now.debit_amount, Some(money("HKD", 13_130)), "the rate has moved");
    let kept = decided(sandbox.cafe.authorize(quoted("kept", "order-2", "hk-alice", yuan(10_000), &token)).await);
    assert_eq!((kept.state(), kept.debit_amount), (PaymentState::Captured, Some(money("HKD", 11_911))));
    assert_eq!((kept.quote_id, now.quote_id.as_str()), (offer.quote_id, ""));
}

#[tokio::test]
async fn a_quote_is_for_one_merchant_one_payer_one_amount_and_one_payment() {
    let sandbox = Sandbox::start();
    let (_, token) = quote(&sandbox.cafe, "hk-alice", yuan(1_000)).await;
    let check = |asked: v1::AuthorizeRequest, expected| {
        let client = sandbox.cafe.clone();
        async move {
            let name = asked.idempotency_key.clone();
            assert_eq!(decided(client.authorize(asked).await).decline_reason(), expected, "{name}");
        }
    };
    check(quoted("amount", "order", "hk-alice", yuan(1_001), &token), DeclineReason::QuoteMismatch).await;
    check(quoted("payer", "order", "hk-bob", yuan(1_000), &token), DeclineReason::QuoteMismatch).await;
    let theirs = quoted("theirs", "order", "hk-alice", yuan(1_000), &token);
    assert_eq!(decided(sandbox.books.authorize(theirs).await).decline_reason(), DeclineReason::QuoteMismatch);
    let above = v1::AuthorizeRequest {
        max_debit_amount: Some(money("HKD", 1_191)),
        ..quoted("above", "order", "hk-alice", yuan(1_000), &token)
    };
    check(above, DeclineReason::DebitAboveMax).await;

    let asked = quoted("first", "order", "hk-alice", yuan(1_000), &token);
    let paid = decided(sandbox.cafe.authorize(asked.clone()).await);
    assert_eq!(paid.debit_amount, Some(money("HKD", 1_192)), "a decline does not use a quote up");
    check(quoted("second", "order-2", "hk-alice", yuan(1_000), &token), DeclineReason::QuoteUsed).await;

    let (_, late) = quote(&sandbox.cafe, "hk-alice", yuan(1_000)).await;
    sandbox.advance(11 * MINUTE_MS).await;
    check(quoted("late", "order-3", "hk-alice", yuan(1_000), &late), DeclineReason::QuoteExpired).await;

    let before = sandbox.status().await.last_lsn;
    let mut garbled = token.clone().into_bytes();
    let middle = garbled.len() / 2;
    garbled[middle] = if garbled[middle] == b'A' { b'B' } else { b'A' };
    for token in [String::from_utf8(garbled).expect("it is ASCII"), "no token".to_owned(), "x".repeat(2_000)] {
        let refusal = refused(sandbox.cafe.authorize(quoted("new", "order-4", "hk-alice", yuan(1_000), &token)).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "QUOTE_TOKEN_INVALID"));
        assert_eq!(refusal.field_violations[0].field, "quote_token");
    }
    assert_eq!(sandbox.status().await.last_lsn, before, "nothing was recorded");
    assert_eq!(decided(sandbox.cafe.authorize(asked).await), paid, "the key comes first");
}

#[tokio::test]
async fn a_quote_survives_a_restart_and_other_rules() {
    let sandbox = Sandbox::start();
    let (_, token) = quote(&sandbox.cafe, "hk-alice", yuan(10_000)).await;
    let sandbox = sandbox.under(&[("PAYSWITCHD__POLICY__FX_MARKUP", "0.05")]).restart(End::Killed).await;
    let now = decided(sandbox.cafe.authorize(payment("now", "order-1", "hk-alice", yuan(10_000))).await);
    assert_eq!(now.debit_amount, Some(money("HKD", 12_383)), "5 % are in force");
    let kept = decided(sandbox.cafe.authorize(quoted("kept", "order-2", "hk-alice", yuan(10_000), &token)).await);
    assert_eq!(kept.debit_amount, Some(money("HKD", 11_911)), "1 % was offered");
    assert_eq!(kept.conversion.map(|conversion| conversion.markup), Some("0.01".to_owned()));
}

#[tokio::test]
async fn a_wallet_quotes_for_its_own_payers_and_any_merchant() {
    let sandbox = Sandbox::start();
    let named = |merchant: &str, payer: v1::AccountReference| v1::CreateRequest {
        merchant_id: merchant.to_owned(),
        payer: Some(payer),
        presentment_amount: Some(yuan(1_000)),
        ..v1::CreateRequest::default()
    };
    let reply = sandbox.wallet.quote(named("demo-cafe", account("hk-alice"))).await.expect("quoted");
    let asked = quoted("pay", "order", "hk-alice", yuan(1_000), &reply.quote_token);
    assert_eq!(decided(sandbox.cafe.authorize(asked).await).state(), PaymentState::Captured);

    let elsewhere = v1::AccountReference { wallet_id: "other-wallet".to_owned(), ..account("hk-alice") };
    let operator = Box::new(caller(&sandbox.daemon.merchants, client::sandbox::OPERATOR_KEY));
    for (client, request, reason) in [
        (&sandbox.wallet, named("demo-cafe", elsewhere.clone()), "ACCOUNT_NOT_FOUND"),
        (&sandbox.wallet, named("demo-cafe", account("nobody")), "ACCOUNT_NOT_FOUND"),
        (&sandbox.wallet, named("no-cafe", account("hk-alice")), "MERCHANT_NOT_FOUND"),
        (&sandbox.wallet, named("", account("hk-alice")), "FIELD_MISSING"),
        (&sandbox.cafe, named("hk-books", account("hk-alice")), "MERCHANT_NOT_FOUND"),
        (&sandbox.cafe, named("demo-cafe", account("nobody")), "ACCOUNT_NOT_FOUND"),
        (&operator, named("demo-cafe", account("hk-alice")), "WRONG_PRINCIPAL"),
    ] {
        assert_eq!(refused(client.quote(request.clone()).await).reason, reason, "{request:?}");
    }
    let no_rate = refused(sandbox.cafe.quote(quote_request("hk-alice", money("JPY", 100))).await);
    assert_eq!((no_rate.code, no_rate.reason.as_str()), (Code::FailedPrecondition, "RATE_MISSING"));
    let most = refused(sandbox.cafe.quote(quote_request("hk-alice", yuan(999_999_999_999_999))).await);
    assert_eq!((most.code, most.reason.as_str()), (Code::InvalidArgument, "AMOUNT_OUT_OF_BOUNDS"));
}

/// Priced in pesos, paid in yuan, settled in dollars: two conversions, each with where it comes from.
#[tokio::test]
async fn one_payment_has_two_rates() {
    let sandbox = Sandbox::start();
    let (offer, token) = quote(&sandbox.tours, "cn-chen", money("PHP", 10_000)).await;
    assert_eq!((offer.debit_amount, offer.settlement_amount), (Some(yuan(1_056)), Some(money("USD", 156))));
    let paid = decided(sandbox.tours.authorize(quoted("pay", "order", "cn-chen", money("PHP", 10_000), &token)).await);
    assert_eq!((paid.state(), &paid.debit_amount), (PaymentState::Captured, &Some(yuan(1_056))));
    assert_eq!((&paid.settlement_amount, &paid.merchant_discount), (&Some(money("USD", 156)), &Some(money("USD", 1))));

    let towards_payer = paid.conversion.as_ref().expect("it was converted");
    assert_eq!((towards_payer.mid_rate.as_str(), towards_payer.rate_exact.as_str()), ("0.1044740874", "37163/355715"));
    assert_eq!(towards_payer.applied_rate, "37163/355715");
    assert_eq!((&towards_payer.mid_amount, &towards_payer.markup_amount), (&Some(yuan(1_045)), &Some(yuan(11))));
    assert!(towards_payer.rate_lsn > 0 && towards_payer.cross_rate_lsn > 0, "both ticks are named");
    let towards_merchant = paid.settlement_conversion.as_ref().expect("it was converted");
    assert_eq!(towards_merchant.rate_exact, "5586/355715");
    assert_eq!((towards_merchant.markup.as_str(), &towards_merchant.mid_amount), ("0", &Some(money("USD", 157))));

    let labels: Vec<_> =
        paid.postings.iter().map(|one| format!("{} to {}", one.debit_account, one.credit_account)).collect();
    assert_eq!(
        labels,
        [
            "wallet:demo-wallet/cn-chen to fx_position:CNY",
            "wallet:demo-wallet/cn-chen to fx_markup:CNY",
            "fx_position:USD to merchant_payable:ph-tours",
            "merchant_payable:ph-tours to fee_income:USD",
        ]
    );
    assert!(sums(&sandbox.status().await).values().all(|sum| *sum == 0));

    // Either rate may be one: nothing is converted for the merchant, or for the payer.
    let dollars = decided(sandbox.tours.authorize(payment("usd", "order-2", "cn-chen", money("USD", 100))).await);
    assert!(dollars.conversion.is_some() && dollars.settlement_conversion.is_none());
    let yuan_priced = decided(sandbox.tours.authorize(payment("cny", "order-3", "cn-chen", yuan(1_000))).await);
    assert!(yuan_priced.conversion.is_none() && yuan_priced.settlement_conversion.is_some());
    assert_eq!(yuan_priced.debit_amount, Some(yuan(1_000)));
}

/// Rules for a market that moves: a wider margin and a heavier position, and the record says which were used.
#[tokio::test]
async fn a_volatile_pair_costs_more_and_a_tier_costs_less() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let rules = "[[policy.tiers]]\nmerchant = \"demo-cafe\"\namount_min = \"CNY 500.00\"\nfx_markup = \"0.002\"\n\n\
                 [[policy.volatility]]\nmove_ppm_min = 10000\nmarkup_extra = \"0.02\"\nexposure_weight = \"1.5\"\n";
    std::fs::write(file.path(), rules).expect("the rules are written");
    let sandbox = Sandbox::with_file(file.path());
    let rules_of = |payment: v1::Payment| {
        let conversion = payment.conversion.expect("it was converted");
        (conversion.markup, conversion.exposure_weight, conversion.move_ppm)
    };
    let small = decided(sandbox.cafe.authorize(payment("small", "order-1", "hk-alice", yuan(49_999))).await);
    assert_eq!(rules_of(small), ("0.01".to_owned(), "1".to_owned(), 0));
    let large = decided(sandbox.cafe.authorize(payment("large", "order-2", "hk-alice", yuan(50_000))).await);
    assert_eq!(rules_of(large), ("0.002".to_owned(), "1".to_owned(), 0));

    sandbox.pin(["CNY", "HKD"], "1.25").await;
    let volatile = decided(sandbox.cafe.authorize(payment("volatile", "order-3", "hk-alice", yuan(100))).await);
    let (markup, weight, move_ppm) = rules_of(volatile);
    assert_eq!((markup.as_str(), weight.as_str()), ("0.03", "1.5"), "{move_ppm}");
    assert!(move_ppm >= 10_000, "the mean of the last moves: {move_ppm}");
}

#[tokio::test]
async fn a_quote_key_is_changed_without_losing_what_was_offered() {
    let production = Production::prepare(&["harbour"]);
    let ready = Ready::start(&production).await;
    let (old, kept, lost) = (ready.quote().await, ready.quote().await, ready.quote().await);
    assert_eq!(decided(ready.pay("first", &old).await).state(), PaymentState::Authorized);
    drop(ready);

    let second = production.directory.path().join("second.key");
    support::production::run(&["new-quote-key", "--out", second.to_str().expect("the path is text")]);
    let first = production.directory.path().join("quotes.key");
    let section = |id: u32, file: &std::path::Path| format!("[quotes]\nid = {id}\nfile = \"{}\"\n", file.display());
    let older = format!("{}\n[[quotes.older]]\nid = 1\nfile = \"{}\"\n", section(2, &second), first.display());
    production.configure(|config| config.replace(&section(1, &first), &older));
    let ready = Ready::start(&production).await;
    assert_eq!(decided(ready.pay("kept", &kept).await).state(), PaymentState::Authorized, "the older key still counts");
    let new = ready.quote().await;
    assert_eq!(decided(ready.pay("new", &new).await).state(), PaymentState::Authorized);
    drop(ready);

    production.configure(|config| config.replace(&older, &section(2, &second)));
    let ready = Ready::start(&production).await;
    assert_eq!(refused(ready.pay("lost", &lost).await).reason, "QUOTE_TOKEN_INVALID");
    assert_eq!(decided(ready.pay("new", &new).await).state(), PaymentState::Authorized, "a retry asks for no token");
}

#[test]
fn a_production_daemon_says_which_key_it_misses() {
    let production = Production::prepare(&[]);
    let whole = std::fs::read_to_string(production.config()).expect("the configuration is text");
    for section in ["quotes", "receipts"] {
        let file = production.directory.path().join(format!("{section}.key"));
        let text = format!("\n[{section}]\nid = 1\nfile = \"{}\"\n", file.display());
        production.configure(|_| whole.replace(&text, ""));
        let (exit, said) = production.refusal(&[]);
        assert_eq!(exit, 2, "{said}");
        assert!(said.contains(&format!("mode = \"production\" needs [{section}]")), "{said}");

        production.configure(|_| whole.clone());
        support::production::set_mode(&file, 0o644);
        let (exit, said) = production.refusal(&[]);
        assert_eq!(exit, 2, "{said}");
        assert!(said.contains(&format!("{section}.key is open to others (mode 644): chmod 600 it")), "{said}");
        support::production::set_mode(&file, 0o600);
    }
    let twice = format!("{whole}\n[[quotes.older]]\nid = 1\nfile = \"none\"\n");
    production.configure(|_| twice);
    let (exit, said) = production.refusal(&[]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("quotes: two keys have the id 1"), "{said}");
    assert!(!production.data_dir().exists(), "nothing was touched");
}

/// A key that is there already is not written over.
#[test]
fn a_new_key_is_written_for_its_owner_only_and_never_over_another() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a temporary directory");
    for subcommand in ["new-quote-key", "new-receipt-key"] {
        let file = directory.path().join(subcommand);
        let path = file.to_str().expect("the path is text");
        let printed = support::production::run(&[subcommand, "--out", path]);
        let secret = std::fs::read_to_string(&file).expect("it was written");
        let hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(hex(secret.trim()) && !printed.contains(secret.trim()), "{printed}");
        let mode = std::fs::metadata(&file).expect("it was written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let program =
            std::process::Command::new(env!("CARGO_BIN_EXE_payswitchd")).args([subcommand, "--out", path]).output();
        let output = program.expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write a new secret to"));
        assert_eq!(std::fs::read_to_string(&file).expect("it is there"), secret);

        let printed = support::production::run(&[subcommand]);
        let label = if subcommand == "new-quote-key" { "quote key" } else { "receipt key" };
        assert!(hex(&support::production::printed_word(&printed, label)), "{printed}");
    }
}

/// A card whose holder is billed in dollars, as the wallet bound it.
async fn dollar_card(sandbox: &Sandbox, billing: &str) -> String {
    let request = v1::BindRequest {
        idempotency_key: format!("bind-{billing}"),
        person_id: format!("holder-{}", billing.to_lowercase()),
        pan: "4111111111111111".to_owned(),
        expiry: "12/30".to_owned(),
        billing_currency_code: billing.to_owned(),
    };
    let reply = sandbox.wallet.bind_card(request).await.expect("the number is a card's");
    reply.card.expect("it is bound").card_token
}

async fn card_offers(sandbox: &Sandbox, token: &str, amount: v1::Money) -> v1::CreateResponse {
    let request = v1::CreateRequest {
        card_token: token.to_owned(),
        presentment_amount: Some(amount),
        ..v1::CreateRequest::default()
    };
    sandbox.cafe.quote(request).await.expect("a card can be quoted for")
}

fn by_card(key: &str, token: &str, quote: &str) -> v1::AuthorizeRequest {
    let by_nobody = v1::AuthorizeRequest { payer: None, ..payment(key, key, "nobody", yuan(25_000)) };
    v1::AuthorizeRequest { card_token: token.to_owned(), quote_token: quote.to_owned(), ..by_nobody }
}

#[tokio::test]
async fn a_cards_holder_chooses_who_converts_and_the_choice_is_recorded() {
    let sandbox = Sandbox::start();
    let token = dollar_card(&sandbox, "USD").await;
    let reply = card_offers(&sandbox, &token, yuan(25_000)).await;
    assert_eq!((&reply.quote, reply.quote_token.as_str()), (&None, ""), "none of the offers comes first");
    for told in ["free to choose", "In CNY", "In USD", "markup over the rate of ECB 2026-10-30"] {
        assert!(reply.payer_text.contains(told), "{}", reply.payer_text);
    }
    let [by_scheme, by_switch] = &reply.card_offers[..] else { panic!("{reply:?}") };
    let (scheme, switch) = (by_scheme.quote.as_ref().unwrap(), by_switch.quote.as_ref().unwrap());
    assert_eq!([by_scheme.converter(), by_switch.converter()], [CardConverter::Scheme, CardConverter::Switch]);
    assert_eq!((&scheme.debit_amount, &scheme.payer_fee), (&Some(yuan(25_750)), &Some(yuan(750))));
    assert_eq!(scheme.conversion, None, "the issuer's rate is not known");
    let dollars = |cents| Some(money("USD", cents));
    assert_eq!((&switch.debit_amount, &switch.payer_fee), (&dollars(3_910), &dollars(114)));
    let conversion = switch.conversion.as_ref().expect("the rate is told");
    assert_eq!((conversion.mid_rate.as_str(), conversion.markup.as_str()), ("0.150310793", "0.01"));
    assert_eq!((&conversion.mid_amount, &conversion.markup_amount), (&dollars(3_758), &dollars(38)));
    for quote in [scheme, switch] {
        assert_eq!((quote.payer.as_ref(), quote.card_token.as_str()), (None, token.as_str()));
        assert_eq!((&quote.settlement_amount, &quote.merchant_discount), (&Some(yuan(24_850)), &Some(yuan(150))));
    }

    let paid = decided(sandbox.cafe.authorize(by_card("switch", &token, &by_switch.quote_token)).await);
    assert_eq!(
        (paid.state(), &paid.debit_amount, &paid.quote_id),
        (PaymentState::Captured, &dollars(3_910), &switch.quote_id)
    );
    let card = paid.card.expect("a card was charged");
    assert_eq!((card.converter(), card.billing_amount), (CardConverter::Switch, None), "it is billed as it is charged");
    let paid = decided(sandbox.cafe.authorize(by_card("scheme", &token, &by_scheme.quote_token)).await);
    assert_eq!((&paid.debit_amount, &paid.quote_id), (&Some(yuan(25_750)), &scheme.quote_id));
    let card = paid.card.expect("a card was charged");
    assert_eq!((card.converter(), card.billing_amount), (CardConverter::Scheme, dollars(3_871)));
    let paid = decided(sandbox.cafe.authorize(by_card("unasked", &token, "")).await);
    assert_eq!(paid.card.expect("a card was charged").converter(), CardConverter::Unspecified);
}

#[tokio::test]
async fn an_offer_for_a_card_is_for_no_other() {
    let sandbox = Sandbox::start();
    let (dollars, euros) = (dollar_card(&sandbox, "USD").await, dollar_card(&sandbox, "EUR").await);
    let made = card_offers(&sandbox, &dollars, yuan(25_000)).await;
    for (name, offer) in ["cny", "usd"].into_iter().zip(&made.card_offers) {
        let other = sandbox.cafe.authorize(by_card(name, &euros, &offer.quote_token)).await;
        match offer.converter() {
            CardConverter::Switch => assert_eq!(refused(other).reason, "CARD_NOT_FOUND"),
            CardConverter::Scheme | CardConverter::Unspecified => {
                assert_eq!(decided(other).decline_reason(), DeclineReason::QuoteMismatch, "{name}");
            }
        }
    }
    let unknown = dollar_card(&sandbox, "").await;
    let only = card_offers(&sandbox, &unknown, yuan(20_000)).await;
    assert_eq!(only.card_offers.len(), 1, "nobody knows what its holder is billed in");
    let quote = only.card_offers[0].quote.as_ref().unwrap();
    assert_eq!((&quote.debit_amount, &quote.payer_fee), (&Some(yuan(20_000)), &Some(yuan(0))));
    assert!(!only.payer_text.contains("choose"), "{}", only.payer_text);
    let request = |token: &str, amount| v1::CreateRequest {
        card_token: token.to_owned(),
        presentment_amount: Some(amount),
        ..v1::CreateRequest::default()
    };
    let mismatch = refused(sandbox.cafe.quote(request(&dollars, money("HKD", 100))).await);
    assert_eq!((mismatch.code, mismatch.reason.as_str()), (Code::InvalidArgument, "CARD_CURRENCY_MISMATCH"));
}
