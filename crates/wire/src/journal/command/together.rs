//! Several payments that are decided together.

use domain::{
    AuthorizePayment, AuthorizeTogether, Conversions, Converted, CurrencyPair, Evidence, KeyedPayment, Unavailable,
};

use super::payment;
use crate::{
    journal::{DecodeError, key, value},
    journal_v1,
};

pub(super) fn write(command: &AuthorizeTogether) -> journal_v1::AuthorizeTogether {
    journal_v1::AuthorizeTogether { payments: command.payments().iter().map(write_payment).collect() }
}

pub(super) fn read(message: journal_v1::AuthorizeTogether) -> Result<AuthorizeTogether, DecodeError> {
    let count = message.payments.len();
    let payments = message.payments.into_iter().map(read_payment).collect::<Result<_, _>>()?;
    let invalid =
        || value::invalid("authorize_together.payments", format_args!("{count} payments, or of several merchants"));
    AuthorizeTogether::new(payments).ok_or_else(invalid)
}

fn write_payment(payment: &KeyedPayment) -> journal_v1::KeyedPayment {
    let KeyedPayment { key, authorize } = payment;
    let message = |authorize, lack| journal_v1::KeyedPayment {
        key: Some(key::write(key)),
        authorize: Some(payment::write_authorize(authorize)),
        lack,
    };
    match (&authorize.payer, &authorize.converted) {
        (Evidence::Present(_), Evidence::Present(_)) | (Evidence::Unavailable(Unavailable::ConsentNotFound), _) => {
            message(authorize, None)
        }
        (payer, Evidence::Unavailable(why)) => {
            assert!(payer.present().is_some() || *payer == Evidence::Unavailable(*why), "a lack has one reason");
            message(&without_lack(authorize), Some(write_lack(*why)))
        }
        (Evidence::Unavailable(why), Evidence::Present(_)) => panic!("nothing is converted without a payer: {why:?}"),
    }
}

fn read_payment(message: journal_v1::KeyedPayment) -> Result<KeyedPayment, DecodeError> {
    let journal_v1::KeyedPayment { key, authorize, lack } = message;
    let authorize = payment::read_authorize(&value::required("keyed_payment.authorize", authorize)?)?;
    let authorize = match lack {
        None => authorize,
        Some(lack) => {
            let why = read_lack(lack)?;
            if authorize != without_lack(&authorize) {
                return Err(value::invalid("keyed_payment.lack", "told beside quotes"));
            }
            let payer = authorize.payer.present().map_or(Evidence::Unavailable(why), |payer| Evidence::Present(*payer));
            AuthorizePayment { payer, converted: Evidence::Unavailable(why), ..authorize }
        }
    };
    Ok(KeyedPayment { key: key::read(value::required("keyed_payment.key", key)?)?, authorize })
}

/// The same with evidence that looks found, or with no consent, so that nothing of it need be written.
fn without_lack(authorize: &AuthorizePayment) -> AuthorizePayment {
    let no_consent = Unavailable::ConsentNotFound;
    let (payer, converted) = match authorize.payer {
        Evidence::Present(payer) => {
            let unconverted = Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency };
            (Evidence::Present(payer), Evidence::Present(unconverted))
        }
        Evidence::Unavailable(_) => (Evidence::Unavailable(no_consent), Evidence::Unavailable(no_consent)),
    };
    AuthorizePayment { payer, converted, ..authorize.clone() }
}

fn write_lack(why: Unavailable) -> journal_v1::Lack {
    let (reason, pair) = match why {
        Unavailable::AccountNotFound => (1, None),
        Unavailable::RateMissing(pair) => (2, Some(pair)),
        Unavailable::RateStale(pair) => (3, Some(pair)),
        Unavailable::PaymentNotFound => (4, None),
        Unavailable::QuoteTokenInvalid => (5, None),
        Unavailable::CardNotFound => (6, None),
        Unavailable::ConsentNotFound => panic!("a consent that is not found is no lack"),
    };
    journal_v1::Lack {
        reason,
        presentment_currency: pair.map_or(0, |pair| value::number(pair.presentment)),
        debit_currency: pair.map_or(0, |pair| value::number(pair.debit)),
    }
}

fn read_lack(message: journal_v1::Lack) -> Result<Unavailable, DecodeError> {
    let journal_v1::Lack { reason, presentment_currency, debit_currency } = message;
    let pair = || {
        let presentment = value::currency("lack.presentment_currency", presentment_currency)?;
        let debit = value::currency("lack.debit_currency", debit_currency)?;
        Ok::<_, DecodeError>(CurrencyPair { presentment, debit })
    };
    match reason {
        2 => return pair().map(Unavailable::RateMissing),
        3 => return pair().map(Unavailable::RateStale),
        _ if (presentment_currency, debit_currency) != (0, 0) => {
            return Err(value::invalid("lack.presentment_currency", presentment_currency));
        }
        _ => {}
    }
    match reason {
        1 => Ok(Unavailable::AccountNotFound),
        4 => Ok(Unavailable::PaymentNotFound),
        5 => Ok(Unavailable::QuoteTokenInvalid),
        6 => Ok(Unavailable::CardNotFound),
        number => Err(value::invalid("lack.reason", number)),
    }
}
