//! What stands in an engine, to bytes and back: the parts of a snapshot.

mod card;
mod consent;
mod payment;

#[cfg(test)]
mod tests;

use domain::{
    CurrencyPair, InstallPolicy, Lsn, PublishedTick, QuoteId, Standing, StandingAccount, StandingBalance,
    StandingLedger, StandingState, StandingTick, Timestamp, WalletId,
};
use money::Money;
use prost::Message;

use super::{
    DecodeError,
    command::{self, policy, rates},
    value,
};
use crate::journal_v1::{self, standing::Standing as Part};

/// Appends the bytes of one thing that stands to `out`.
///
/// # Panics
/// When it could not stand: an amount is out of bounds or in another currency than its account's. No engine tells such a
/// thing.
pub fn encode(standing: &Standing, out: &mut Vec<u8>) {
    let message = journal_v1::Standing { standing: Some(write(standing)) };
    message.encode(out).expect("a vector grows as it needs to");
}

/// Reads the bytes of one thing that stands.
///
/// # Errors
/// When they are not what [`encode`] writes. Never panics.
pub fn decode(bytes: &[u8]) -> Result<Standing, DecodeError> {
    read(value::required("standing", journal_v1::Standing::decode(bytes)?.standing)?)
}

fn write(standing: &Standing) -> Part {
    match standing {
        Standing::Ledger(ledger) => Part::Ledger(write_ledger(ledger)),
        Standing::Wallet(name) => Part::Wallet(journal_v1::RegisterWallet { name: name.as_str().to_owned() }),
        Standing::Merchant(merchant) => Part::Merchant(command::write_merchant(merchant)),
        Standing::Account(account) => Part::Account(write_account(account)),
        Standing::Balance(balance) => Part::Balance(write_balance(balance)),
        Standing::Person(person) => Part::Person(card::write_person(person)),
        Standing::Card(card) => Part::Card(card::write_card(card)),
        Standing::CardMessage(message) => Part::CardMessage(card::write_message(message)),
        Standing::Tick(tick) => Part::Tick(write_tick(tick)),
        Standing::Moves(pair, moves) => Part::Moves(journal_v1::StandingMoves {
            presentment_currency: value::number(pair.presentment),
            debit_currency: value::number(pair.debit),
            move_ppm: moves.clone(),
        }),
        Standing::Payment(payment) => Part::Payment(payment::write(payment)),
        Standing::PendingRefund(refund) => Part::PendingRefund(payment::write_refund(refund)),
        Standing::Code(code) => Part::Code(consent::write_code(code)),
        Standing::Approval(approval) => Part::Approval(consent::write_approval(approval)),
        Standing::CardApproval(approval) => Part::CardApproval(consent::write_card_approval(approval)),
        Standing::Mandate(mandate) => Part::Mandate(consent::write_mandate(mandate)),
        Standing::Guesses(guesses) => Part::Guesses(consent::write_guesses(guesses)),
        Standing::UsedQuote(quote, expires_at) => Part::UsedQuote(journal_v1::StandingUsedQuote {
            quote_id: quote.bytes().to_vec(),
            expires_at_us: expires_at.micros(),
        }),
        Standing::Reserved(reserved) => Part::Reserved(journal_v1::StandingReserved {
            currency: value::number(reserved.currency()),
            minor_units: value::minor_units(*reserved),
        }),
    }
}

fn read(part: Part) -> Result<Standing, DecodeError> {
    Ok(match part {
        Part::Ledger(message) => Standing::Ledger(read_ledger(&message)?),
        Part::Wallet(message) => Standing::Wallet(value::name("wallet.name", &message.name)?),
        Part::Merchant(message) => Standing::Merchant(command::read_merchant(&message)?),
        Part::Account(message) => Standing::Account(read_account(&message)?),
        Part::Balance(message) => Standing::Balance(read_balance(&message)?),
        Part::Person(message) => Standing::Person(card::read_person(&message)?),
        Part::Card(message) => Standing::Card(card::read_card(&message)?),
        Part::CardMessage(message) => Standing::CardMessage(card::read_message(&message)?),
        Part::Tick(message) => Standing::Tick(read_tick(message)?),
        Part::Moves(message) => {
            let presentment = value::currency("moves.presentment_currency", message.presentment_currency)?;
            let debit = value::currency("moves.debit_currency", message.debit_currency)?;
            Standing::Moves(CurrencyPair { presentment, debit }, message.move_ppm)
        }
        Part::Payment(message) => Standing::Payment(payment::read(&message)?),
        Part::PendingRefund(message) => Standing::PendingRefund(payment::read_refund(&message)?),
        Part::Code(message) => Standing::Code(consent::read_code(&message)?),
        Part::Approval(message) => Standing::Approval(consent::read_approval(&message)?),
        Part::CardApproval(message) => Standing::CardApproval(consent::read_card_approval(&message)?),
        Part::Mandate(message) => Standing::Mandate(consent::read_mandate(&message)?),
        Part::Guesses(message) => Standing::Guesses(consent::read_guesses(&message)),
        Part::UsedQuote(message) => Standing::UsedQuote(
            QuoteId::from_bytes(value::bytes("used_quote.quote_id", &message.quote_id)?),
            Timestamp::from_micros(message.expires_at_us),
        ),
        Part::Reserved(message) => {
            let currency = value::currency("reserved.currency", message.currency)?;
            Standing::Reserved(Money::new(currency, message.minor_units.into()))
        }
    })
}

fn write_ledger(ledger: &StandingLedger) -> journal_v1::StandingLedger {
    let StandingLedger { lsn, at, initialized, policy, key_terms } = ledger;
    journal_v1::StandingLedger {
        lsn: lsn.get(),
        at_us: at.micros(),
        initialized: initialized.as_ref().map(command::write_initialize),
        policy: policy.as_ref().map(|policy| policy::write(&InstallPolicy { policy: policy.clone() })),
        key_terms: key_terms
            .iter()
            .map(|(lsn, key_ms)| journal_v1::StandingKeyTerm { lsn: lsn.get(), key_ms: policy::write_key_ms(*key_ms) })
            .collect(),
    }
}

fn read_ledger(message: &journal_v1::StandingLedger) -> Result<StandingLedger, DecodeError> {
    let journal_v1::StandingLedger { lsn, at_us, initialized, policy, key_terms } = message;
    let term = |term: &journal_v1::StandingKeyTerm| {
        Ok((Lsn::new(term.lsn), policy::read_key_ms("ledger.key_terms.key_ms", term.key_ms)?))
    };
    value::rising("ledger.key_terms", key_terms, |term| term.lsn)?;
    Ok(StandingLedger {
        lsn: Lsn::new(*lsn),
        at: Timestamp::from_micros(*at_us),
        initialized: initialized.as_ref().map(command::read_initialize).transpose()?,
        policy: policy.as_ref().map(policy::read).transpose()?.map(|install| install.policy),
        key_terms: key_terms.iter().map(term).collect::<Result<_, DecodeError>>()?,
    })
}

fn write_account(account: &StandingAccount) -> journal_v1::StandingAccount {
    let StandingAccount { wallet, name, account, state } = account;
    journal_v1::StandingAccount {
        wallet: wallet.0,
        name: name.as_str().to_owned(),
        account: account.packed(),
        state: match state {
            StandingState::Open => 1,
            StandingState::Frozen => 2,
            StandingState::Closed => 3,
        },
    }
}

fn read_account(message: &journal_v1::StandingAccount) -> Result<StandingAccount, DecodeError> {
    let journal_v1::StandingAccount { wallet, name, account, state } = message;
    Ok(StandingAccount {
        wallet: WalletId(*wallet),
        name: value::name("account.name", name)?,
        account: value::account("account.account", *account)?,
        state: match state {
            1 => StandingState::Open,
            2 => StandingState::Frozen,
            3 => StandingState::Closed,
            number => return Err(value::invalid("account.state", number)),
        },
    })
}

fn write_balance(balance: &StandingBalance) -> journal_v1::StandingBalance {
    let StandingBalance { account, posted, held } = balance;
    let minor_units = |units| i64::try_from(units).expect("no account holds 10^18 minor units");
    journal_v1::StandingBalance {
        account: account.packed(),
        posted_minor_units: minor_units(*posted),
        held_minor_units: minor_units(*held),
    }
}

fn read_balance(message: &journal_v1::StandingBalance) -> Result<StandingBalance, DecodeError> {
    let journal_v1::StandingBalance { account, posted_minor_units, held_minor_units } = message;
    Ok(StandingBalance {
        account: value::account("balance.account", *account)?,
        posted: (*posted_minor_units).into(),
        held: (*held_minor_units).into(),
    })
}

fn write_tick(tick: &StandingTick) -> journal_v1::StandingTick {
    let StandingTick { published_at, published: PublishedTick { lsn, tick, move_ppm } } = tick;
    journal_v1::StandingTick {
        lsn: lsn.get(),
        published_at_us: published_at.micros(),
        tick: Some(rates::write_tick(tick)),
        move_ppm: *move_ppm,
    }
}

fn read_tick(message: journal_v1::StandingTick) -> Result<StandingTick, DecodeError> {
    let journal_v1::StandingTick { lsn, published_at_us, tick, move_ppm } = message;
    let tick = rates::read_tick(&value::required("tick.tick", tick)?)?;
    let published = PublishedTick { lsn: Lsn::new(lsn), tick, move_ppm };
    Ok(StandingTick { published_at: Timestamp::from_micros(published_at_us), published })
}
