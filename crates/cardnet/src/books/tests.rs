use super::*;

const FILE: &str = "\
approved 2026-11-26T17:30:00.000001Z trace=000043/1126173000/123456 rrn=000000000042 last4=1111 amount=25750 currency=156 approval=000001
approved 2026-11-26T17:30:01.000000Z trace=000044/1126173001/0 rrn=000000000043 last4=4242 amount=500 currency=392 approval=A1
captured 2026-11-26T17:31:00.000000Z trace=000045/1126173100/123456 rrn=000000000044 last4=1111 amount=20000 currency=156 original=000043/1126173000/123456
refunded 2026-11-26T17:32:00.000000Z trace=000046/1126173200/123456 rrn=000000000045 last4=1111 amount=5000 currency=156 original=000043/1126173000/123456
reversed 2026-11-26T17:33:00.000000Z trace=000047/1126173300/123456 rrn=000000000046 last4=4242 original=000044/1126173001/0
reversed 2026-11-26T17:34:00.000000Z trace=000048/1126173400/123456 rrn=000000000047 last4=4242 original=000099/1126173001/0
";

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// Books of the file and one line more.
fn with(line: &str) -> Result<Books, LineError> {
    Books::read(&format!("{FILE}{line}\n")).map_err(|error| {
        assert_eq!(error.line.checked_sub(1), Some(FILE.lines().count()));
        error.source
    })
}

#[test]
fn a_file_says_what_became_of_each_approval() {
    let books = Books::read(FILE).unwrap();
    let found: Vec<_> = books.authorizations().map(|(_, found)| found).collect();
    let [one, other] = found[..] else { panic!("two approvals") };
    assert_eq!((one.amount, one.captured, one.refunded), (money("CNY 257.50"), money("CNY 200"), money("CNY 50")));
    assert!(!one.reversed && other.reversed);
    assert_eq!(other.approval_code.as_str(), "A1");
    assert_eq!((one.last_four.to_string(), one.rrn), ("1111".to_owned(), Rrn::new("000000000042").unwrap()));
    assert_eq!(books.open().count(), 0);
    assert_eq!(books.reversed_unseen().map(ToString::to_string).collect::<Vec<_>>(), ["000099/1126173001/0"]);
    let totals = books.totals();
    let yuan = totals[&one.amount.currency()];
    assert_eq!((yuan.captured, yuan.refunded, yuan.owed), (money("CNY 200"), money("CNY 50"), money("CNY 150")));
    assert!(totals[&other.amount.currency()].owed.is_zero());
}

#[test]
fn a_file_is_written_as_it_was_read() {
    let lines: Vec<_> = changes(FILE).map(|change| change.unwrap().1.to_string()).collect();
    assert_eq!(lines.join("\n") + "\n", FILE);
}

#[test]
fn a_line_without_its_end_is_passed_over_wherever_it_was_cut() {
    let whole = Books::read(FILE.rsplit_once("reversed").unwrap().0).unwrap();
    let start = FILE.rfind("reversed").unwrap();
    for end in start..FILE.len() {
        assert_eq!(Books::read(&FILE[..end]).as_ref(), Ok(&whole));
    }
    assert_eq!(Books::read(""), Ok(Books::default()));
}

#[test]
fn a_line_of_another_shape_is_refused() {
    let good = "captured 2026-11-26T17:35:00.000000Z trace=000049/1126173500/1 rrn=1 last4=1111 amount=1 currency=156 original=000043/1126173000/123456";
    assert!(with(good).is_ok());
    for (part, other, error) in [
        ("captured", "taken", LineError::Word),
        ("captured", "", LineError::Word),
        ("2026", "26", LineError::Part("a time")),
        ("trace=000049", "trace=49", LineError::Part("trace")),
        ("/1126173500/1", "/1326173500/1", LineError::Part("trace")),
        ("/1126173500/1", "/1126173500", LineError::Part("trace")),
        ("rrn=1", "rrn=", LineError::Part("rrn")),
        ("rrn=1", "stan=1", LineError::Part("rrn")),
        ("last4=1111", "last4=4111111111111111", LineError::Part("last4")),
        ("amount=1", "amount=-1", LineError::Part("amount")),
        ("currency=156", "currency=CNY", LineError::Part("currency")),
        ("original=", "of=", LineError::Part("original")),
        ("/123456", "/123456 ", LineError::End),
    ] {
        assert_eq!(with(&good.replacen(part, other, 1)), Err(error), "{other}");
    }
}

#[test]
fn the_books_take_no_more_than_there_is() {
    let line = |kind: &str, last_four: &str, rest: &str| {
        format!("{kind} 2026-11-26T17:35:00.000000Z trace=000049/1126173500/1 rrn=1 last4={last_four} {rest}")
    };
    let of = |amount: &str, original: &str| format!("amount={amount} currency=156 original={original}");
    let one = "000043/1126173000/123456";
    for (line, refusal) in [
        (line("captured", "1111", &of("5751", one)), Refusal::Amount),
        (line("captured", "1111", &of("0", one)), Refusal::Amount),
        (line("refunded", "1111", &of("15001", one)), Refusal::Amount),
        (line("captured", "1112", &of("1", one)), Refusal::AnotherCard),
        (line("captured", "1111", &of("1", "000043/1126173000/0")), Refusal::NoApproval),
        (line("captured", "1111", &of("1", one).replace("156", "840")), Refusal::AnotherCurrency),
        (line("captured", "4242", &of("1", "000044/1126173001/0")), Refusal::AlreadyReversed),
        (line("reversed", "1111", &format!("original={one}")), Refusal::AlreadyCaptured),
        (line("reversed", "4242", &format!("original={one}")), Refusal::AnotherCard),
        (line("reversed", "4242", "original=000044/1126173001/0"), Refusal::AlreadyReversed),
        (line("reversed", "4242", "original=000099/1126173001/0"), Refusal::AlreadyReversed),
        (line("approved", "1111", "amount=0 currency=156 approval=1"), Refusal::Amount),
    ] {
        assert_eq!(with(&line), Err(LineError::Refused(refusal)), "{line}");
    }
    let approved = "approved 2026-11-26T17:35:00.000000Z trace=000099/1126173001/0 rrn=1 last4=4242 amount=1 currency=156 approval=1";
    assert_eq!(with(approved), Err(LineError::Refused(Refusal::AlreadyReversed)));
    assert_eq!(with(&approved.replace("000099/1126173001/0", one)), Err(LineError::Refused(Refusal::AlreadyApproved)));
    assert!(with(&line("captured", "1111", &of("5750", one))).is_ok());
    assert!(with(&line("refunded", "1111", &of("15000", one))).is_ok());
}
