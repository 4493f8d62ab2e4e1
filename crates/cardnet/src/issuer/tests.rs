use iso8583::field::{
    Amount, Field, InstitutionId, OriginalElements, ProcessingCode, ReplacementAmounts, Rrn, Stan, TransmissionTime,
    Value,
};
use iso8583::{Element, Mti};
use money::Currency;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_795_714_200_000_000);
const APPROVED: &str = "4242424242424242";

/// A message as a switch sends it.
fn message(mti: Mti, card: &str, number: u32, amount: &str) -> Message {
    let mut message = Message::new(mti);
    message.set(Element::of(2), card.as_bytes());
    message.write(field::PROCESSING_CODE, &ProcessingCode::PURCHASE);
    message.write(field::TRANSMISSION_TIME, &TransmissionTime::new(11, 26, 17, 30, 0).unwrap());
    message.write(field::STAN, &Stan::new(number).unwrap());
    message.write(field::ACQUIRER, &InstitutionId::new(123_456).unwrap());
    message.write(field::RRN, &Rrn::new(&format!("{number:012}")).unwrap());
    message.set_money(field::PRESENTMENT_AMOUNT, Money::parse(amount).unwrap()).unwrap();
    message
}

fn request(card: &str, number: u32, amount: &str) -> Message {
    message(Mti::AUTHORIZATION_REQUEST, card, number, amount)
}

/// About the authorization of this number.
fn about(original: u32, mut message: Message) -> Message {
    let original = OriginalElements::of(&request(APPROVED, original, "CNY 1")).unwrap();
    message.write(field::ORIGINAL_ELEMENTS, &original);
    message
}

fn capture(card: &str, number: u32, original: u32, amount: &str) -> Message {
    about(original, message(Mti::FINANCIAL_ADVICE, card, number, amount))
}

fn refund(card: &str, number: u32, original: u32, amount: &str) -> Message {
    let mut refund = capture(card, number, original, amount);
    refund.write(field::PROCESSING_CODE, &ProcessingCode::REFUND);
    refund
}

fn reversal(card: &str, number: u32, original: u32) -> Message {
    about(original, message(Mti::REVERSAL_ADVICE, card, number, "CNY 1"))
}

fn stand_in(card: &str, number: u32, amount: &str) -> Message {
    let mut advice = message(Mti::AUTHORIZATION_ADVICE, card, number, amount);
    advice.write(field::APPROVAL_CODE, &ApprovalCode::new("STIP01").unwrap());
    advice
}

fn with_type(mti: Mti, message: &Message) -> Message {
    let mut other = Message::new(mti);
    message.fields().for_each(|(element, value)| other.set(element, value));
    other
}

/// Issuers, a line that has signed on, and the books file.
struct Played {
    issuer: Issuer,
    session: Session,
    file: String,
}

impl Played {
    fn new(lines: &str) -> Self {
        let billing = Billing::default().with_rate("CNY/USD=0.1503108").unwrap();
        let billing = billing.with_card("5555555555554444=USD").unwrap();
        let scripts = Scripts::default().read(lines).unwrap();
        let issuer = Issuer::new(scripts, billing, 10_000);
        Self { issuer, session: Session { signed_on: true }, file: String::new() }
    }

    fn take(&mut self, message: &Message) -> Vec<Action> {
        let mut actions = self.issuer.take(&mut self.session, message, NOW);
        while let Some(Action::Book(change)) = actions.first() {
            self.file.push_str(&format!("{change}\n"));
            actions.remove(0);
        }
        assert!(!actions.iter().any(|action| matches!(action, Action::Book(_))), "what is booked comes first");
        assert_eq!(Books::read(&self.file).as_ref(), Ok(self.issuer.books()));
        actions
    }

    /// The answer to what is answered once and at once.
    fn answer(&mut self, message: &Message) -> Message {
        let actions = self.take(message);
        let [Action::Answer(answer)] = &actions[..] else { panic!("not one answer: {actions:?}") };
        assert_eq!(Some(answer.mti()), message.mti().response());
        answer.clone()
    }

    fn code(&mut self, message: &Message) -> String {
        text(&self.answer(message), field::RESPONSE_CODE)
    }

    fn approved(&self) -> usize {
        self.issuer.books().authorizations().count()
    }
}

fn text<T: Value>(message: &Message, field: Field<T>) -> String {
    message.text(field.element()).unwrap_or_default().to_owned()
}

/// What a switch says that stood in and captured at once.
#[test]
fn a_capture_that_names_no_original_tells_of_an_approval_too() {
    let sale = |mti| with_type(mti, &stand_in(APPROVED, 1, "CNY 10"));
    let mut played = Played::new("");
    assert_eq!(played.code(&message(Mti::FINANCIAL_ADVICE, APPROVED, 1, "CNY 10")), "30", "it has no DE 38");
    let mut played = Played::new("");
    assert_eq!(played.code(&sale(Mti::FINANCIAL_ADVICE)), "00");
    assert_eq!(played.code(&sale(Mti::FINANCIAL_ADVICE_REPEAT)), "00");
    assert_eq!(played.code(&refund(APPROVED, 2, 1, "CNY 4")), "00", "it is its own original");
    let [(_, found)] = played.issuer.books().authorizations().collect::<Vec<_>>()[..] else { panic!("not one") };
    let units = [found.amount, found.captured, found.refunded].map(Money::minor_units);
    assert_eq!((units, found.approval_code.as_str()), ([1_000, 1_000, 400], "STIP01"));
    // A run that ended between the two lines: the repeat adds what is missing.
    let first = played.file.lines().next().map(|line| format!("{line}\n")).unwrap();
    let mut resumed = Played { file: first.clone(), ..Played::new("") };
    crate::books::changes(&first).for_each(|change| resumed.issuer.resume(&change.unwrap().1).unwrap());
    assert_eq!(resumed.code(&sale(Mti::FINANCIAL_ADVICE_REPEAT)), "00");
    assert_eq!(resumed.issuer.books().totals(), BTreeMap::from([(Currency::CNY, captured("CNY 10"))]));
}

fn captured(amount: &str) -> crate::Total {
    let captured = Money::parse(amount).unwrap();
    crate::Total { captured, refunded: Money::zero(captured.currency()), owed: captured }
}

#[test]
fn an_advice_without_a_number_is_about_the_card_of_its_original() {
    let mut played = Played::new("");
    assert_eq!(played.code(&request(APPROVED, 1, "CNY 10")), "00");
    assert_eq!(played.code(&capture(APPROVED, 2, 1, "CNY 10")), "00");
    let without = |refund: &Message| {
        let mut nameless = Message::new(refund.mti());
        for number in (3..=128).filter(|number| *number != 65) {
            if let Some(value) = refund.get(Element::of(number)) {
                nameless.set(Element::of(number), value);
            }
        }
        nameless
    };
    let nameless = without(&refund(APPROVED, 3, 1, "CNY 4"));
    assert_eq!(played.code(&nameless), "00");
    assert_eq!(played.code(&nameless), "00", "a repeat is booked once");
    assert_eq!(played.code(&without(&refund(APPROVED, 4, 9, "CNY 4"))), "30", "nobody knows which card");
    assert_eq!(played.code(&without(&request(APPROVED, 5, "CNY 1"))), "30", "a request names its card");
    let [(_, found)] = played.issuer.books().authorizations().collect::<Vec<_>>()[..] else { panic!("not one") };
    assert_eq!((found.refunded, found.last_four.to_string()), (Money::parse("CNY 4").unwrap(), "4242".to_owned()));
}

#[test]
fn an_approval_tells_what_the_card_is_billed() {
    let mut played = Played::new("");
    let answer = played.answer(&request("5555555555554444", 1, "CNY 257.50"));
    for (number, value) in [
        (2, "5555555555554444"),
        (4, "000000025750"),
        (6, "000000003871"),
        (10, "71503108"),
        (11, "000001"),
        (37, "000000000001"),
        (38, "000001"),
        (39, "00"),
        (49, "156"),
        (51, "840"),
    ] {
        assert_eq!(answer.text(Element::of(number)), Some(value), "DE {number}");
    }
    assert_eq!(answer.get(Element::of(54)), None);
    let unbilled = played.answer(&request(APPROVED, 2, "CNY 257.50"));
    assert_eq!(unbilled.get(Element::of(6)), None);
    assert_eq!(text(&unbilled, field::APPROVAL_CODE), "000002");
    assert_eq!(played.code(&request("5555555555554444", 3, "EUR 1")), "13", "there is no rate");
    assert_eq!(played.code(&request(APPROVED, 4, "EUR 0")), "13");
}

#[test]
fn a_part_is_approved_with_what_was_asked_beside_it() {
    let mut played = Played::new("5555555555554444=partial:33");
    let answer = played.answer(&request("5555555555554444", 1, "CNY 1.00"));
    assert_eq!(text(&answer, field::RESPONSE_CODE), "10");
    assert_eq!(text(&answer, field::PRESENTMENT_AMOUNT.amount()), "000000000033");
    assert_eq!(text(&answer, field::ADDITIONAL_AMOUNTS), "0057156D000000000100");
    assert_eq!(text(&answer, field::DEBIT_AMOUNT.amount()), "000000000005");
    let repeat = played.answer(&request("5555555555554444", 1, "CNY 1.00"));
    assert_eq!(repeat, answer);
    assert_eq!(played.code(&request("5555555555554444", 2, "CNY 0.01")), "00", "the smallest part is the whole");
}

#[test]
fn each_script_approves_in_its_own_way() {
    let asked = request(APPROVED, 1, "CNY 1.00");
    let plain = Played::new("").answer(&asked);
    let mut wrong = plain.clone();
    wrong.set(Element::of(4), b"000000000101");
    for (script, expected) in [
        ("approve", vec![Action::Answer(plain.clone())]),
        ("slow:250", vec![Action::AnswerAfter { delay_ms: 250, answer: plain.clone() }]),
        ("late:600000", vec![Action::AnswerAfter { delay_ms: 600_000, answer: plain.clone() }]),
        ("silent", vec![]),
        ("duplicate", vec![Action::Answer(plain.clone()), Action::Answer(plain.clone())]),
        ("out-of-order", vec![Action::AnswerBehindNext(plain.clone())]),
        ("garbage", vec![Action::Bytes(GARBAGE.to_vec())]),
        ("disconnect", vec![Action::HalfAndClose(plain.clone())]),
        ("wrong-amount", vec![Action::Answer(wrong)]),
        ("refuse-advices:1", vec![Action::Answer(plain.clone())]),
        ("lose-advices:1", vec![Action::Answer(plain.clone())]),
    ] {
        let mut played = Played::new(&format!("{APPROVED}={script}"));
        assert_eq!(played.take(&asked), expected, "{script}");
        assert_eq!(played.approved(), 1, "{script}");
        assert_eq!(played.take(&asked), [Action::Answer(plain.clone())], "a repeat after {script}");
        assert_eq!(played.approved(), 1, "{script}");
    }
}

#[test]
fn a_repeat_is_answered_as_the_first_was_and_another_card_is_none() {
    let mut played = Played::new("");
    assert_eq!(played.code(&request("4000000000000002", 1, "CNY 1")), "05");
    played.issuer.scripts = Scripts::all(Script::Approve);
    assert_eq!(played.code(&request("4000000000000002", 1, "CNY 1")), "05", "a repeat");
    assert_eq!(played.code(&request(APPROVED, 2, "CNY 1")), "00");
    assert_eq!(played.code(&request("4111111111111111", 2, "CNY 1")), "94", "another card");
}

#[test]
fn test_numbers_are_declined_as_documented() {
    let mut played = Played::new("");
    for (number, (card, code)) in
        [("4000000000000002", "05"), ("4000000000009995", "51"), ("4000000000009987", "41"), ("4000000000000069", "54")]
            .into_iter()
            .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        assert_eq!(played.code(&request(card, number, "CNY 1")), code);
    }
    assert_eq!(played.approved(), 0);
}

#[test]
fn a_request_after_its_reversal_is_never_approved() {
    let mut played = Played::new("");
    assert_eq!(played.code(&reversal(APPROVED, 2, 1)), "00");
    assert_eq!(played.code(&reversal(APPROVED, 3, 1)), "00", "another reversal of the same");
    assert_eq!(played.code(&request(APPROVED, 1, "CNY 1")), "94");
    assert_eq!(played.code(&request(APPROVED, 1, "CNY 1")), "94");
    assert_eq!(played.approved(), 0);
    assert_eq!(played.code(&reversal(APPROVED, 5, 4)), "00");
    assert_eq!(played.code(&stand_in(APPROVED, 4, "CNY 1")), "00", "an advice is acknowledged");
    assert_eq!(played.approved(), 0);
}

#[test]
fn captures_and_refunds_add_up_and_repeats_do_not() {
    let mut played = Played::new("");
    assert_eq!(played.code(&stand_in(APPROVED, 1, "CNY 10")), "00");
    for (message, code) in [
        (capture(APPROVED, 2, 1, "CNY 4"), "00"),
        (capture(APPROVED, 3, 1, "CNY 6"), "00"),
        (capture(APPROVED, 4, 1, "CNY 0.01"), "13"),
        (refund(APPROVED, 5, 1, "CNY 9.99"), "00"),
        (refund(APPROVED, 6, 1, "CNY 0.02"), "13"),
        (refund(APPROVED, 7, 1, "USD 0.01"), "13"),
        (reversal(APPROVED, 8, 1), "25"),
        (capture(APPROVED, 9, 99, "CNY 1"), "25"),
        (capture("4111111111111111", 10, 1, "CNY 1"), "25"),
    ] {
        assert_eq!(played.code(&message), code);
        let advice_repeat = match message.mti() {
            Mti::REVERSAL_ADVICE => Mti::REVERSAL_ADVICE_REPEAT,
            _ => Mti::FINANCIAL_ADVICE_REPEAT,
        };
        assert_eq!(played.code(&with_type(advice_repeat, &message)), code, "its repeat");
    }
    let total = *played.issuer.books().totals().values().next().unwrap();
    assert_eq!(total.owed, Money::parse("CNY 0.01").unwrap());
    let (_, found) = played.issuer.books().authorizations().next().unwrap();
    assert_eq!(found.approval_code.as_str(), "STIP01");
}

#[test]
fn advices_are_refused_or_lost_as_often_as_the_script_says() {
    let mut played = Played::new("4242424242424242=refuse-advices:2\n4111111111111111=lose-advices:2");
    let refused = stand_in(APPROVED, 1, "CNY 1");
    let codes = [(); 4].map(|()| played.code(&refused));
    assert_eq!(codes, ["96", "96", "00", "00"]);
    let lost = stand_in("4111111111111111", 2, "CNY 1");
    assert_eq!([(); 3].map(|()| played.take(&lost).len()), [0, 0, 1]);
    assert_eq!(played.approved(), 2);
}

#[test]
fn advices_of_so_many_cards_are_counted_and_of_those_with_a_script_of_their_own_always() {
    let mut played = Played::new("4242424242424242=refuse-advices:1");
    let scripts = played.issuer.scripts.clone();
    played.issuer.scripts = scripts.with_others(Script::RefuseAdvices { advices: 2 });
    let counted = stand_in("4000000000000077", 1, "CNY 1");
    assert_eq!(played.code(&counted), "96");
    let others = (100_000_000_000_u64..).take(MISSED_CARDS_MAX - 1);
    let others = others.map(|number| (CardNumber::parse(number.to_string().as_bytes()).unwrap(), 2));
    played.issuer.advices_missed.extend(others);
    assert_eq!(played.code(&stand_in("4222222222222", 2, "CNY 1")), "00", "one card more");
    let own = stand_in(APPROVED, 3, "CNY 1");
    assert_eq!([(); 2].map(|()| played.code(&own)), ["96", "00"], "it has a script of its own");
    assert_eq!([(); 2].map(|()| played.code(&counted)), ["96", "00"], "it was counted before");
    assert_eq!(played.issuer.advices_missed.len(), MISSED_CARDS_MAX + 1);
}

#[test]
fn what_is_no_message_of_a_switch_is_refused() {
    let mut played = Played::new("");
    let asked = request(APPROVED, 1, "CNY 1");
    for element in [2, 4, 7, 11, 37, 49] {
        let mut without = asked.clone();
        without.remove(Element::of(element));
        assert_eq!(played.code(&without), "30", "without DE {element}");
    }
    for (element, value) in [(2, "4242"), (37, "12 456789012"), (7, "1399000000"), (49, "000")] {
        let mut malformed = asked.clone();
        malformed.set(Element::of(element), value.as_bytes());
        assert_eq!(played.code(&malformed), "30", "DE {element} as {value}");
    }
    let partial = {
        let mut partial = reversal(APPROVED, 2, 1);
        let amounts = ReplacementAmounts {
            actual: Amount::of(Money::parse("CNY 1").unwrap()).unwrap(),
            settlement: Amount::ZERO,
            fee: None,
            settlement_fee: None,
        };
        partial.write(field::REPLACEMENT_AMOUNTS, &amounts);
        partial
    };
    let balance = {
        let mut balance = capture(APPROVED, 3, 1, "CNY 1");
        balance.write(field::PROCESSING_CODE, &ProcessingCode::BALANCE);
        balance
    };
    for (message, code) in [
        (partial, "12"),
        (balance, "12"),
        (with_type(Mti::FINANCIAL_REQUEST, &asked), "12"),
        (message(Mti::FINANCIAL_ADVICE, APPROVED, 4, "CNY 1"), "30"),
        (message(Mti::REVERSAL_ADVICE, APPROVED, 5, "CNY 1"), "30"),
        (message(Mti::AUTHORIZATION_ADVICE, APPROVED, 6, "CNY 1"), "30"),
    ] {
        assert_eq!(played.code(&message), code);
    }
    assert_eq!(played.take(&with_type(Mti::AUTHORIZATION_RESPONSE, &asked)), [Action::Close]);
    assert_eq!(played.approved(), 0);
}

#[test]
fn a_line_signs_on_before_anything_else() {
    let mut played = Played::new("");
    played.session = Session::default();
    let network = |code: u16| {
        let mut network = Message::new(Mti::NETWORK_REQUEST);
        network.write(field::NETWORK_CODE, &NetworkCode::new(code).unwrap());
        network
    };
    let asked = request(APPROVED, 1, "CNY 1");
    assert_eq!(played.code(&network(301)), "00");
    assert_eq!(played.take(&asked), [Action::Close]);
    assert_eq!(played.code(&network(1)), "00");
    assert_eq!(played.code(&asked), "00");
    assert_eq!(played.code(&network(2)), "00");
    assert_eq!(played.take(&asked), [Action::Close]);
    assert_eq!(played.code(&network(161)), "12");
    assert_eq!(played.code(&Message::new(Mti::NETWORK_REQUEST)), "30");
}

#[test]
fn no_more_messages_are_taken_than_are_remembered() {
    let mut played = Played::new("");
    played.issuer.messages_max = 1;
    assert_eq!(played.code(&request(APPROVED, 1, "CNY 1")), "00");
    assert_eq!(played.code(&request(APPROVED, 2, "CNY 1")), "96");
    assert_eq!(played.code(&capture(APPROVED, 3, 1, "CNY 1")), "96");
    assert_eq!(played.code(&request(APPROVED, 1, "CNY 1")), "00", "a repeat");
}

/// One message of a story: about one of few authorizations, so that much goes together and much does not.
fn any_message() -> impl Strategy<Value = Message> {
    let cards = prop::sample::select(vec![APPROVED, "4000000000000002", "4000056655665556", "5454545454545454"]);
    let amounts = prop::sample::select(vec!["CNY 0.01", "CNY 0.50", "CNY 1", "USD 0.50"]);
    (0..6_u8, cards, 1..6_u32, 0..40_u32, amounts).prop_map(|(kind, card, original, number, amount)| match kind {
        0 | 1 => request(card, original, amount),
        2 => stand_in(card, original, amount),
        3 => capture(card, number.saturating_add(100), original, amount),
        4 => refund(card, number.saturating_add(200), original, amount),
        _ => reversal(card, number.saturating_add(300), original),
    })
}

proptest! {
    /// `Played::take` asks after each message whether the file reads as the books.
    #[test]
    fn the_file_is_the_books_and_a_repeat_changes_nothing(story in prop::collection::vec(any_message(), 1..60)) {
        let mut played = Played::new("");
        for message in &story {
            let first = played.take(message);
            let file = played.file.clone();
            if first == plain(message, MALFUNCTION) {
                continue;
            }
            prop_assert_eq!(played.take(message), first);
            prop_assert_eq!(&played.file, &file);
        }
        for (_, found) in played.issuer.books().authorizations() {
            let [amount, captured, refunded] = [found.amount, found.captured, found.refunded].map(Money::minor_units);
            prop_assert!(refunded <= captured && captured <= amount && !(found.reversed && captured > 0));
        }
        // Another run takes the file up, and answers what was booked as the first did.
        let mut resumed = Played::new("");
        for change in crate::books::changes(&played.file) {
            resumed.issuer.resume(&change.unwrap().1).unwrap();
        }
        resumed.issuer.advices_missed.clone_from(&played.issuer.advices_missed);
        prop_assert_eq!(resumed.issuer.books(), played.issuer.books());
        for message in &story {
            let head = Head::of(message).unwrap();
            let subjects = [Subject::Authorization, Subject::Money, Subject::Reversal];
            if subjects.iter().any(|subject| resumed.issuer.replies.contains_key(&head.repeated(*subject))) {
                let expected = played.take(message);
                prop_assert_eq!(resumed.issuer.take(&mut resumed.session, message, NOW), expected);
            }
        }
    }
}
