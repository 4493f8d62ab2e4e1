//! The door of a house: what makes a submission of a message, and a message of a record.

use domain::{AccountId, AccountName, MerchantId, Name, PaymentId, PaymentRequest, Record, Submission};
use money::{Currency, Money};
use pipeline::{Directory, RateBook};
use wire::{
    digest::{Digester, SECRET_BYTES},
    quote_token::{QuoteKey, QuoteTokens},
    replies::{self, Names},
    requests,
    served::Encoded,
    v1,
};

use crate::{AS_OF, House, MERCHANT, WALLET, payer_name, spread};

/// What the daemon keeps at its door, filled by the records of a house.
#[derive(Debug)]
pub struct Door {
    directory: Directory,
    rate_book: RateBook,
    digester: Digester,
    quote_tokens: QuoteTokens,
    payers: u64,
}

impl Door {
    /// The door of this house.
    #[must_use]
    pub fn of(house: &House) -> Self {
        let (directory, rate_book) = (Directory::new(), RateBook::new());
        for record in &house.records {
            directory.observe(record);
            rate_book.observe(record);
        }
        let quote_key = QuoteKey::new(1, &[2; SECRET_BYTES]);
        Self {
            directory,
            rate_book,
            digester: Digester::new([1; SECRET_BYTES]),
            quote_tokens: QuoteTokens::new(quote_key, []).expect("one key"),
            payers: house.payers.len() as u64,
        }
    }

    /// What the merchant asks to be paid, by one payer after another: CNY 1.00, under a new key and order.
    #[must_use]
    pub fn message(&self, number: u64) -> v1::AuthorizeRequest {
        let name = format!("01890a5d-ac96-774b-bcce-{number:012}");
        let payer = v1::AccountReference { wallet_id: WALLET.to_owned(), account_id: payer_name(number % self.payers) };
        v1::AuthorizeRequest {
            idempotency_key: name.clone(),
            merchant_order_id: name,
            payer: Some(payer),
            presentment_amount: Some(replies::money(Money::new(Currency::CNY, 100))),
            ..v1::AuthorizeRequest::default()
        }
    }

    /// The request of this message.
    ///
    /// # Panics
    /// When it is not as [`message`](Self::message) makes it.
    #[must_use]
    pub fn request(&self, number: u64, message: &v1::AuthorizeRequest) -> PaymentRequest {
        let payment_id = PaymentId::from_bytes(spread(number).0);
        requests::payment_request(message, MERCHANT, payment_id, &self.quote_tokens, &self.digester)
            .expect("a request that parses")
    }

    /// The request with its evidence.
    #[must_use]
    pub fn submission(&self, request: PaymentRequest) -> Submission {
        let routed = pipeline::route(&self.directory, request);
        pipeline::assemble(pipeline::convert(&self.directory, &self.rate_book, AS_OF, routed))
    }

    /// The reply that this record makes.
    ///
    /// # Panics
    /// When it decided no payment.
    #[must_use]
    pub fn reply(&self, record: &Record) -> Encoded<v1::AuthorizeResponse> {
        let payment = replies::encoded_payment(record, self);
        Encoded::<v1::AuthorizeResponse>::of_payment(payment.expect("the record of a payment"))
    }
}

impl Names for Door {
    fn merchant(&self, merchant: MerchantId) -> Option<Name> {
        self.directory.merchant_name(merchant)
    }

    fn card(&self, _: domain::CardToken) -> Option<domain::CardFace> {
        None
    }

    fn account(&self, account: AccountId) -> Option<AccountName> {
        self.directory.account_name(account)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Command, Event, Evidence};
    use prost::Message;

    use super::*;

    #[test]
    fn a_message_goes_through_the_house_and_comes_back() {
        let mut house = House::new(3);
        let door = Door::of(&house);
        let submission = door.submission(door.request(1, &door.message(1)));
        let Command::AuthorizePayment(command) = &submission.command else { panic!("not a payment: {submission:?}") };
        assert!(matches!(command.payer, Evidence::Present(_)), "the payer is known");
        let record = house.decide_and_apply(submission);
        assert!(matches!(record.event, Event::PaymentCaptured(_)), "the payment is captured");
        let reply = v1::AuthorizeResponse::decode(&*door.reply(&record).encode_to_vec()).unwrap();
        let payment = reply.payment.unwrap();
        assert_eq!(payment.merchant_order_id, door.message(1).merchant_order_id);
    }
}
