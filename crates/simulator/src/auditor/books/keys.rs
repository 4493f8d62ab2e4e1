//! When two requests under one key are the same, and where they differ.

use crate::request::{Agreed, Ask, Id, Mode, Pay, PayerCode, Rest, Sum, wallet_name};

type Field = (&'static str, String);

/// The published name of the first field in which two requests differ.
pub(super) fn difference(first: &Ask, later: &Ask) -> Option<String> {
    let ((method, fields), (later_method, later_fields)) = (spelled(first), spelled(later));
    if method != later_method {
        return Some(format!("method (first used for {method})"));
    }
    let differs = fields.into_iter().zip(later_fields).find(|(first, later)| first.1 != later.1);
    differs.map(|(first, _)| first.0.to_owned())
}

/// A request as method and named fields.
fn spelled(ask: &Ask) -> (&'static str, Vec<Field>) {
    match ask {
        Ask::Begin(_) | Ask::InstallPolicy(_) | Ask::RegisterWallet { .. } | Ask::Due | Ask::Together(_) => {
            ("none", Vec::new())
        }
        Ask::RegisterMerchant { .. } | Ask::PublishRates { .. } => spelled_of_operator(ask),
        Ask::FundReserve { .. } | Ask::PayOut { .. } | Ask::Square { .. } => spelled_of_operator(ask),
        Ask::Pay(_) | Ask::Capture { .. } | Ask::Void { .. } | Ask::Refund { .. } | Ask::Increase { .. } => {
            spelled_of_merchant(ask)
        }
        Ask::Open { account, currency } => {
            ("AccountService.Open", vec![("account_id", account.clone()), ("currency_code", (*currency).to_owned())])
        }
        Ask::Close { account } => ("AccountService.Close", vec![("account_id", account.clone())]),
        Ask::Freeze { account } => ("AccountService.Freeze", vec![("account_id", account.clone())]),
        Ask::Unfreeze { account } => ("AccountService.Unfreeze", vec![("account_id", account.clone())]),
        Ask::Deposit { account, amount } => ("AccountService.Deposit", movement(account, *amount)),
        Ask::Withdraw { account, amount } => ("AccountService.Withdraw", movement(account, *amount)),
        of_consent => spelled_of_consent(of_consent),
    }
}

fn spelled_of_consent(ask: &Ask) -> (&'static str, Vec<Field>) {
    match ask {
        Ask::IssueCode { account, merchant, most } => {
            let mut fields = consent(account, merchant);
            fields.extend(sum("max_debit_amount.currency_code", "max_debit_amount.minor_units", *most));
            ("ConsentService.IssueCode", fields)
        }
        Ask::ApproveOrder { account, merchant, order, most, expires_at } => {
            let mut fields = consent(account, merchant);
            fields.push(("merchant_order_id", order.clone()));
            fields.extend(sum("max_debit_amount.currency_code", "max_debit_amount.minor_units", *most));
            fields.push(("expire_time", expires_at.to_string()));
            ("ConsentService.ApproveOrder", fields)
        }
        Ask::GrantMandate { account, merchant, payment_most, period_most, period_days, expires_at } => {
            let mut fields = consent(account, merchant);
            let payment = ("max_payment_debit_amount.currency_code", "max_payment_debit_amount.minor_units");
            let period = ("max_period_debit_amount.currency_code", "max_period_debit_amount.minor_units");
            fields.extend(sum(payment.0, payment.1, *payment_most));
            fields.extend(sum(period.0, period.1, *period_most));
            fields.push(("period_days", period_days.to_string()));
            fields.push(("expire_time", expires_at.to_string()));
            ("ConsentService.GrantMandate", fields)
        }
        Ask::RevokeMandate { mandate } => ("ConsentService.RevokeMandate", vec![("mandate_id", hex(mandate))]),
        other => unreachable!("spelled elsewhere: {other:?}"),
    }
}

fn spelled_of_operator(ask: &Ask) -> (&'static str, Vec<Field>) {
    match ask {
        Ask::RegisterMerchant { name, currency, discount_millionths, api_key } => (
            "OperationsService.RegisterMerchant",
            vec![
                ("merchant_id", name.clone()),
                ("settlement_currency_code", (*currency).to_owned()),
                ("merchant_discount", discount_millionths.to_string()),
                ("api_key", api_key.clone()),
            ],
        ),
        Ask::PublishRates { ticks, override_reason } => (
            "OperationsService.PublishRates",
            vec![("rates", format!("{ticks:?}")), ("override_reason", override_reason.clone().unwrap_or_default())],
        ),
        Ask::FundReserve { merchant, amount } => {
            let mut fields = vec![("merchant_id", merchant.clone())];
            fields.extend(sum("amount.currency_code", "amount.minor_units", *amount));
            ("OperationsService.FundReserve", fields)
        }
        Ask::PayOut { merchant, amount } => {
            let mut fields = vec![("merchant_id", merchant.clone())];
            fields.extend(sum("amount.currency_code", "amount.minor_units", *amount));
            ("OperationsService.PayOut", fields)
        }
        Ask::Square { sold, bought, closed } => {
            let mut fields = Vec::new();
            fields.extend(sum("sold_amount.currency_code", "sold_amount.minor_units", *sold));
            fields.extend(sum("bought_amount.currency_code", "bought_amount.minor_units", *bought));
            let closed = Sum { units: *closed, currency: bought.currency };
            fields.extend(sum("closed_amount.currency_code", "closed_amount.minor_units", closed));
            ("OperationsService.SquarePosition", fields)
        }
        other => unreachable!("spelled elsewhere: {other:?}"),
    }
}

fn spelled_of_merchant(ask: &Ask) -> (&'static str, Vec<Field>) {
    match ask {
        Ask::Pay(pay) => ("PaymentService.Authorize", payment(pay)),
        Ask::Capture { payment, amount, rest } => {
            let mut fields = of_payment(payment, *amount);
            fields.push(("final", (*rest == Rest::Released).to_string()));
            ("PaymentService.Capture", fields)
        }
        Ask::Void { payment } => ("PaymentService.Void", vec![("payment_id", hex(payment))]),
        Ask::Refund { payment, amount } => ("PaymentService.Refund", of_payment(payment, *amount)),
        Ask::Increase { payment, amount, code: further } => {
            let mut fields = of_payment(payment, *amount);
            fields.push(("payer_code", further.as_ref().map_or_else(String::new, code)));
            ("PaymentService.IncreaseAuthorization", fields)
        }
        other => unreachable!("spelled elsewhere: {other:?}"),
    }
}

fn payment(pay: &Pay) -> Vec<Field> {
    let (mut wallet, mut payer) = (String::new(), String::new());
    let (mut payer_code, mut mandate, mut approved) = (String::new(), String::new(), false);
    match &pay.agreed {
        Agreed::Named { wallet: of, account } | Agreed::Order { wallet: of, account } => {
            (wallet, payer) = (wallet_name(*of), account.clone());
            approved = matches!(pay.agreed, Agreed::Order { .. });
        }
        Agreed::Code(given) => payer_code = code(given),
        Agreed::Mandate(id) => mandate = hex(id),
    }
    let mut fields =
        vec![("merchant_order_id", pay.order.clone()), ("payer.wallet_id", wallet), ("payer.account_id", payer)];
    fields.extend(sum("presentment_amount.currency_code", "presentment_amount.minor_units", pay.amount));
    fields.push(("capture_mode", (pay.mode == Mode::Manual).to_string()));
    fields.push(("payer_code", payer_code));
    fields.push(("mandate_id", mandate));
    fields.push(("order_approved", approved.to_string()));
    fields.push(("quote_token", pay.quote.as_ref().map_or_else(String::new, hex)));
    let (currency, units) = match pay.most {
        Some(most) => (most.currency.to_owned(), most.units.to_string()),
        None => Default::default(),
    };
    fields.extend([("max_debit_amount.currency_code", currency), ("max_debit_amount.minor_units", units)]);
    fields
}

fn consent(account: &str, merchant: &str) -> Vec<Field> {
    vec![("account_id", account.to_owned()), ("merchant_id", merchant.to_owned())]
}

fn of_payment(payment: &Id, amount: Sum) -> Vec<Field> {
    let mut fields = vec![("payment_id", hex(payment))];
    fields.extend(sum("amount.currency_code", "amount.minor_units", amount));
    fields
}

fn movement(account: &str, amount: Sum) -> Vec<Field> {
    let mut fields = vec![("account_id", account.to_owned())];
    fields.extend(sum("amount.currency_code", "amount.minor_units", amount));
    fields
}

fn sum(currency: &'static str, units: &'static str, sum: Sum) -> [Field; 2] {
    [(currency, sum.currency.to_owned()), (units, sum.units.to_string())]
}

fn code(code: &PayerCode) -> String {
    format!("{code:?}")
}

fn hex(id: &Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
