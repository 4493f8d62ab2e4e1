//! When two requests under one key are the same, and where they differ.

mod kept;

use domain::{Difference, Digest, FIELDS_MAX, Fingerprint, Method};

use crate::digest::{Digester, Purpose};

/// The fields of a method's request, in the order of their digests. Records keep digests by position, so a table never
/// changes: a retry across an upgrade would be refused as another request. A field that comes later stands at the end
/// and is optional.
#[must_use]
pub const fn field_names(method: Method) -> &'static [&'static str] {
    match method {
        Method::Authorize => &[
            "merchant_order_id",
            "payer.wallet_id",
            "payer.account_id",
            "presentment_amount.currency_code",
            "presentment_amount.minor_units",
            "capture_mode",
            "payer_code",
            "mandate_id",
            "order_approved",
            "quote_token",
            "max_debit_amount.currency_code",
            "max_debit_amount.minor_units",
            "card_token",
        ],
        Method::OpenAccount => &["account_id", "currency_code"],
        Method::CloseAccount | Method::FreezeAccount | Method::UnfreezeAccount => &["account_id"],
        Method::Deposit | Method::Withdraw => &["account_id", "amount.currency_code", "amount.minor_units"],
        Method::RegisterMerchant => &["merchant_id", "settlement_currency_code", "merchant_discount", "api_key"],
        Method::PublishRates => &["rates", "override_reason"],
        Method::Capture => &["payment_id", "amount.currency_code", "amount.minor_units", "final"],
        Method::Void => &["payment_id"],
        Method::Refund => &["payment_id", "amount.currency_code", "amount.minor_units"],
        Method::IncreaseAuthorization => &["payment_id", "amount.currency_code", "amount.minor_units", "payer_code"],
        Method::IssueCode => {
            &["account_id", "merchant_id", "max_debit_amount.currency_code", "max_debit_amount.minor_units"]
        }
        Method::ApproveOrder => &[
            "account_id",
            "merchant_id",
            "merchant_order_id",
            "max_debit_amount.currency_code",
            "max_debit_amount.minor_units",
            "expire_time",
            "card_token",
        ],
        Method::GrantMandate => &[
            "account_id",
            "merchant_id",
            "max_payment_debit_amount.currency_code",
            "max_payment_debit_amount.minor_units",
            "max_period_debit_amount.currency_code",
            "max_period_debit_amount.minor_units",
            "period_days",
            "expire_time",
        ],
        Method::RevokeMandate => &["mandate_id"],
        Method::FundReserve | Method::PayOut => &["merchant_id", "amount.currency_code", "amount.minor_units"],
        Method::AssertPerson => &["person_id", "tier", "documents"],
        Method::BindCard => &["person_id", "pan", "expiry", "billing_currency_code"],
        Method::UnbindCard => &["card_token"],
        Method::SettleScheme => &[
            "scheme",
            "received_amount.currency_code",
            "received_amount.minor_units",
            "settled_amount.currency_code",
            "settled_amount.minor_units",
        ],
        Method::SquarePosition => &[
            "sold_amount.currency_code",
            "sold_amount.minor_units",
            "bought_amount.currency_code",
            "bought_amount.minor_units",
            "closed_amount.currency_code",
            "closed_amount.minor_units",
        ],
    }
}

/// How many fields, from the first on, a request of this method has always had.
const fn fields_always(method: Method) -> usize {
    if matches!(method, Method::Authorize) {
        5
    } else if matches!(method, Method::PublishRates) {
        1
    } else if matches!(method, Method::BindCard) {
        3
    } else if matches!(method, Method::ApproveOrder) {
        6
    } else {
        field_names(method).len()
    }
}

/// The method as callers know it: `PaymentService.Authorize`.
#[must_use]
pub const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Authorize => "PaymentService.Authorize",
        Method::OpenAccount => "AccountService.Open",
        Method::CloseAccount => "AccountService.Close",
        Method::Deposit => "AccountService.Deposit",
        Method::Withdraw => "AccountService.Withdraw",
        Method::RegisterMerchant => "OperationsService.RegisterMerchant",
        Method::PublishRates => "OperationsService.PublishRates",
        Method::Capture => "PaymentService.Capture",
        Method::Void => "PaymentService.Void",
        Method::Refund => "PaymentService.Refund",
        Method::IncreaseAuthorization => "PaymentService.IncreaseAuthorization",
        Method::FreezeAccount => "AccountService.Freeze",
        Method::UnfreezeAccount => "AccountService.Unfreeze",
        Method::IssueCode => "ConsentService.IssueCode",
        Method::ApproveOrder => "ConsentService.ApproveOrder",
        Method::GrantMandate => "ConsentService.GrantMandate",
        Method::RevokeMandate => "ConsentService.RevokeMandate",
        Method::FundReserve => "OperationsService.FundReserve",
        Method::PayOut => "OperationsService.PayOut",
        Method::SquarePosition => "OperationsService.SquarePosition",
        Method::AssertPerson => "PersonService.Assert",
        Method::BindCard => "CardService.Bind",
        Method::UnbindCard => "CardService.Unbind",
        Method::SettleScheme => "OperationsService.SettleScheme",
    }
}

/// Room for the fields of nearly every request, in bytes.
const REQUEST_BYTES_USUAL: usize = 256;

/// What was asked, as digests. The values are canonical: two spellings of one value (`1.0` and `1.00`) are the same
/// bytes. An optional field takes part only when it is given, so that a request without it is the request it was before
/// the field existed.
///
/// # Panics
/// When the names are not those of [`field_names`], which is a mistake in the caller and no matter of input.
#[must_use]
pub fn fingerprint(
    digester: &Digester,
    method: Method,
    values: &[(&'static str, &[u8])],
    optional: &[(&'static str, Option<&[u8]>)],
) -> Fingerprint {
    let names = values.iter().map(|(name, _)| name).chain(optional.iter().map(|(name, _)| name));
    assert!(names.eq(field_names(method)), "the values given are those of the table, in its order");
    assert!(values.len() == fields_always(method), "the values that are always there come first");
    let mut request = Vec::with_capacity(REQUEST_BYTES_USUAL);
    request.push(method.number());
    for (_, value) in values {
        // With its length before it, no part of one value can pass for a part of the next.
        request.extend_from_slice(&length(value));
        request.extend_from_slice(value);
    }
    for (name, value) in optional {
        // Some are there and some are not, so each says which it is.
        if let Some(value) = value {
            for part in [name.as_bytes(), value] {
                request.extend_from_slice(&length(part));
                request.extend_from_slice(part);
            }
        }
    }
    let mut fields = [0; FIELDS_MAX];
    let given = values.iter().map(|(name, value)| (*name, Some(*value))).chain(optional.iter().copied());
    for (digest, (name, value)) in fields.iter_mut().zip(given) {
        if let Some(value) = value {
            *digest = if kept::repeats(name) {
                kept::field(digester, method, name, value)
            } else {
                field(digester, method, name, value)
            };
        }
    }
    Fingerprint { method, request: Digest(digester.hash(Purpose::Request, &[&request])), fields }
}

/// Where two requests differ first, for the caller who used a key twice: `presentment_amount.minor_units`. `method` is
/// that of the later request, as in [`domain::Refusal::KeyReused`].
#[must_use]
pub fn difference_text(method: Method, difference: Difference) -> String {
    match difference {
        Difference::Method(first) => format!("method (first used for {})", method_name(first)),
        Difference::Field(index) => match field_names(method).get(index) {
            Some(name) => (*name).to_owned(),
            None => format!("field {index}"),
        },
        Difference::Unlocated => "a field that cannot be told".to_owned(),
        Difference::Company => "the payments it is decided with".to_owned(),
    }
}

/// The digest of one field, to name the first that differs.
fn field(digester: &Digester, method: Method, name: &str, value: &[u8]) -> u32 {
    let name = name.as_bytes();
    let field = [&[method.number()], &length(name)[..], name, value];
    u32::from_be_bytes(digester.hash(Purpose::Field, &field))
}

fn length(bytes: &[u8]) -> [u8; 8] {
    // Widening: no machine has lengths above 64 bits.
    u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes()
}

const _: () = {
    let mut index = 0;
    while index < Method::ALL.len() {
        assert!(field_names(Method::ALL[index]).len() <= FIELDS_MAX);
        index += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, values: &[&str]) -> Fingerprint {
        let named: Vec<_> =
            field_names(method).iter().zip(values).map(|(name, value)| (*name, value.as_bytes())).collect();
        fingerprint(&Digester::new([7; 32]), method, &named, &[])
    }

    #[test]
    fn the_first_field_that_differs_is_named() {
        let recorded = of(Method::Deposit, &["alice", "HKD", "100"]);
        let check = |later: &[&str], expected: Option<&str>| {
            let difference = recorded.difference(&of(Method::Deposit, later));
            let text = difference.map(|difference| difference_text(Method::Deposit, difference));
            assert_eq!(text.as_deref(), expected, "{later:?}");
        };
        check(&["alice", "HKD", "100"], None);
        check(&["bob", "HKD", "200"], Some("account_id"));
        check(&["alice", "CNY", "200"], Some("amount.currency_code"));
        check(&["alice", "HKD", "200"], Some("amount.minor_units"));
    }

    #[test]
    fn another_method_is_another_request() {
        let deposit = of(Method::Deposit, &["alice", "HKD", "100"]);
        let withdraw = of(Method::Withdraw, &["alice", "HKD", "100"]);
        let difference = deposit.difference(&withdraw);
        assert_eq!(difference, Some(Difference::Method(Method::Deposit)));
        assert_eq!(
            difference.map(|difference| difference_text(Method::Withdraw, difference)).as_deref(),
            Some("method (first used for AccountService.Deposit)")
        );
        assert_ne!(deposit.request, withdraw.request);
        assert_ne!(deposit.fields, withdraw.fields);
    }

    #[test]
    fn a_value_does_not_flow_into_the_next() {
        let ours = of(Method::OpenAccount, &["ab", "c"]);
        let theirs = of(Method::OpenAccount, &["a", "bc"]);
        assert_ne!(ours.request, theirs.request);
    }

    #[test]
    fn what_cannot_be_named_is_said_to_be_so() {
        assert_eq!(difference_text(Method::CloseAccount, Difference::Field(7)), "field 7");
        assert_eq!(difference_text(Method::CloseAccount, Difference::Unlocated), "a field that cannot be told");
    }

    #[test]
    fn unused_places_are_zero() {
        assert_eq!(of(Method::CloseAccount, &["alice"]).fields[1..], [0; FIELDS_MAX - 1]);
    }

    #[test]
    #[should_panic(expected = "the values given are those of the table")]
    fn names_outside_the_table_are_a_mistake() {
        let _ = fingerprint(&Digester::new([7; 32]), Method::CloseAccount, &[("account", b"alice")], &[]);
    }
}
