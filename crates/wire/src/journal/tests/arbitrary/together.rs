//! Payments that are decided together.

use domain::{
    Approved, AuthorizePayment, AuthorizeTogether, CaptureMode, Command, DeclinedTogether, Event, Evidence,
    KeyedPayment, MerchantId, Unavailable,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{Decided, declined, key, payments::authorized, values::*};

pub(super) fn decided() -> Decided {
    let payments = vec((key(), authorized(), option::of(lack()), any::<bool>()), 1..5);
    (payments, any::<u32>(), declined(), any::<prop::sample::Index>())
        .prop_map(|(drawn, merchant, declined, position)| {
            let mut approved = Vec::new();
            let mut keyed = Vec::new();
            for (key, (command, event), ..) in &drawn {
                let Command::AuthorizePayment(authorize) = command else { unreachable!("an authorization") };
                let authorize = AuthorizePayment { merchant: MerchantId(merchant), ..authorize.clone() };
                approved.extend(Approved::of(event.clone()));
                keyed.push(KeyedPayment { key: *key, authorize });
            }
            if approved.len() == keyed.len() {
                return (command(keyed), Event::AuthorizedTogether(approved));
            }
            let position = position.index(keyed.len());
            for (place, (payment, (_, _, lack, whole))) in keyed.iter_mut().zip(drawn).enumerate() {
                found(&mut payment.authorize);
                if let Some(why) = lack.filter(|_| place > position) {
                    payment.authorize.converted = Evidence::Unavailable(why);
                    if whole || why == Unavailable::ConsentNotFound {
                        payment.authorize.payer = Evidence::Unavailable(why);
                    }
                }
            }
            let decline = *declined.decline().expect("a decline");
            (command(keyed), Event::DeclinedTogether(DeclinedTogether { position, decline }))
        })
        .boxed()
}

fn command(keyed: Vec<KeyedPayment>) -> Command {
    Command::AuthorizeTogether(AuthorizeTogether::new(keyed).expect("a few of one merchant"))
}

/// What is looked at has its evidence.
fn found(authorize: &mut AuthorizePayment) {
    if authorize.payer.present().is_none() || authorize.converted.present().is_none() {
        authorize.capture_mode = CaptureMode::Automatic;
        authorize.payer = Evidence::Present(domain::AccountId::house(
            domain::AccountKind::Nostro,
            authorize.presentment_amount.currency(),
        ));
        authorize.offer = None;
        authorize.converted = Evidence::Present(domain::Conversions {
            debit: domain::Converted::SameCurrency,
            settlement: domain::Converted::SameCurrency,
        });
    }
}

fn lack() -> impl Strategy<Value = Unavailable> {
    let of_pair =
        (pair(), select(vec![Unavailable::RateMissing, Unavailable::RateStale])).prop_map(|(pair, why)| why(pair));
    let others = vec![
        Unavailable::AccountNotFound,
        Unavailable::PaymentNotFound,
        Unavailable::QuoteTokenInvalid,
        Unavailable::ConsentNotFound,
    ];
    prop_oneof![of_pair, select(others)]
}
