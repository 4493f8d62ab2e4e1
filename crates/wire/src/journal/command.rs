//! What was asked.

use domain::{
    AccountId, AuthorizePayment, CloseAccount, Command, Converted, CurrencyPair, DigestKey, Evidence, InitializeSwitch,
    InstallPolicy, Lsn, MerchantId, Mode, MoveFunds, OpenAccount, Policy, PublishRates, Quote, QuotedAmounts, RateTick,
    RegisterMerchant, RegisterWallet, Timestamp, WalletId,
};
use money::{Currency, Money};

use super::{DecodeError, value};
use crate::journal_v1::{self, command::Command as Message};

pub(super) fn write(command: &Command) -> journal_v1::Command {
    let message = match command {
        Command::InitializeSwitch(command) => Message::InitializeSwitch(write_initialize(command)),
        Command::InstallPolicy(command) => Message::InstallPolicy(write_policy(command)),
        Command::RegisterWallet(RegisterWallet { name }) => {
            Message::RegisterWallet(journal_v1::RegisterWallet { name: name.as_str().to_owned() })
        }
        Command::RegisterMerchant(command) => Message::RegisterMerchant(write_merchant(command)),
        Command::PublishRates(PublishRates { ticks }) => {
            Message::PublishRates(journal_v1::PublishRates { ticks: ticks.iter().map(write_tick).collect() })
        }
        Command::OpenAccount(OpenAccount { wallet, name, currency }) => Message::OpenAccount(journal_v1::OpenAccount {
            wallet: wallet.0,
            name: name.as_str().to_owned(),
            currency: currency.numeric().into(),
        }),
        Command::CloseAccount(CloseAccount { account }) => {
            Message::CloseAccount(journal_v1::CloseAccount { account: value::present(account).packed() })
        }
        Command::Deposit(command) => {
            let (account, minor_units) = write_move(command);
            Message::Deposit(journal_v1::Deposit { account, minor_units })
        }
        Command::Withdraw(command) => {
            let (account, minor_units) = write_move(command);
            Message::Withdraw(journal_v1::Withdraw { account, minor_units })
        }
        Command::AuthorizePayment(command) => Message::AuthorizePayment(write_payment(command)),
    };
    journal_v1::Command { command: Some(message) }
}

pub(super) fn read(message: journal_v1::Command) -> Result<Command, DecodeError> {
    Ok(match value::required("command.command", message.command)? {
        Message::InitializeSwitch(message) => Command::InitializeSwitch(read_initialize(&message)?),
        Message::InstallPolicy(message) => Command::InstallPolicy(read_policy(message)?),
        Message::RegisterWallet(journal_v1::RegisterWallet { name }) => {
            Command::RegisterWallet(RegisterWallet { name: value::name("register_wallet.name", &name)? })
        }
        Message::RegisterMerchant(message) => Command::RegisterMerchant(read_merchant(&message)?),
        Message::PublishRates(journal_v1::PublishRates { ticks }) => {
            let ticks = ticks.iter().map(read_tick).collect::<Result<_, _>>()?;
            Command::PublishRates(PublishRates { ticks })
        }
        Message::OpenAccount(journal_v1::OpenAccount { wallet, name, currency }) => Command::OpenAccount(OpenAccount {
            wallet: WalletId(wallet),
            name: value::name("open_account.name", &name)?,
            currency: value::currency("open_account.currency", currency)?,
        }),
        Message::CloseAccount(journal_v1::CloseAccount { account }) => {
            let account = Evidence::Present(value::account("close_account.account", account)?);
            Command::CloseAccount(CloseAccount { account })
        }
        Message::Deposit(journal_v1::Deposit { account, minor_units }) => {
            let account = value::account("deposit.account", account)?;
            Command::Deposit(read_move("deposit.minor_units", account, minor_units)?)
        }
        Message::Withdraw(journal_v1::Withdraw { account, minor_units }) => {
            let account = value::account("withdraw.account", account)?;
            Command::Withdraw(read_move("withdraw.minor_units", account, minor_units)?)
        }
        Message::AuthorizePayment(message) => Command::AuthorizePayment(read_payment(&message)?),
    })
}

fn write_initialize(command: &InitializeSwitch) -> journal_v1::InitializeSwitch {
    let InitializeSwitch { mode, digest_key: DigestKey { id, check } } = command;
    let mode = match mode {
        Mode::Sandbox => 1,
        Mode::Production => 2,
    };
    journal_v1::InitializeSwitch { mode, digest_key_id: *id, digest_key_check: check.0.to_vec() }
}

fn read_initialize(message: &journal_v1::InitializeSwitch) -> Result<InitializeSwitch, DecodeError> {
    let journal_v1::InitializeSwitch { mode, digest_key_id, digest_key_check } = message;
    let mode = match mode {
        1 => Mode::Sandbox,
        2 => Mode::Production,
        number => return Err(value::invalid("initialize_switch.mode", number)),
    };
    let check = value::digest("initialize_switch.digest_key_check", digest_key_check)?;
    Ok(InitializeSwitch { mode, digest_key: DigestKey { id: *digest_key_id, check } })
}

fn write_policy(command: &InstallPolicy) -> journal_v1::InstallPolicy {
    let InstallPolicy { policy: Policy { fx_markup, rate_age_ms_max, rate_move_max } } = command;
    journal_v1::InstallPolicy {
        markup_millionths: fx_markup.millionths(),
        rate_age_ms_max: *rate_age_ms_max,
        rate_move_max_millionths: rate_move_max.millionths(),
    }
}

fn read_policy(message: journal_v1::InstallPolicy) -> Result<InstallPolicy, DecodeError> {
    let journal_v1::InstallPolicy { markup_millionths, rate_age_ms_max, rate_move_max_millionths } = message;
    let policy = Policy {
        fx_markup: value::ratio("install_policy.markup_millionths", markup_millionths)?,
        rate_age_ms_max,
        rate_move_max: value::ratio("install_policy.rate_move_max_millionths", rate_move_max_millionths)?,
    };
    Ok(InstallPolicy { policy })
}

fn write_merchant(command: &RegisterMerchant) -> journal_v1::RegisterMerchant {
    let RegisterMerchant { name, settlement_currency, discount, api_key_hash } = command;
    journal_v1::RegisterMerchant {
        name: name.as_str().to_owned(),
        settlement_currency: settlement_currency.numeric().into(),
        discount_millionths: discount.millionths(),
        api_key_hash: api_key_hash.0.to_vec(),
    }
}

fn read_merchant(message: &journal_v1::RegisterMerchant) -> Result<RegisterMerchant, DecodeError> {
    let journal_v1::RegisterMerchant { name, settlement_currency, discount_millionths, api_key_hash } = message;
    Ok(RegisterMerchant {
        name: value::name("register_merchant.name", name)?,
        settlement_currency: value::currency("register_merchant.settlement_currency", *settlement_currency)?,
        discount: value::ratio("register_merchant.discount_millionths", *discount_millionths)?,
        api_key_hash: value::api_key_hash("register_merchant.api_key_hash", api_key_hash)?,
    })
}

fn write_tick(tick: &RateTick) -> journal_v1::RateTick {
    let RateTick { pair: CurrencyPair { presentment, debit }, mid_rate, source, as_of } = tick;
    journal_v1::RateTick {
        presentment_currency: presentment.numeric().into(),
        debit_currency: debit.numeric().into(),
        mid_rate_mantissa: mid_rate.mantissa(),
        mid_rate_scale: mid_rate.scale(),
        source: source.as_str().to_owned(),
        as_of_us: as_of.micros(),
    }
}

fn read_tick(message: &journal_v1::RateTick) -> Result<RateTick, DecodeError> {
    let journal_v1::RateTick {
        presentment_currency,
        debit_currency,
        mid_rate_mantissa,
        mid_rate_scale,
        source,
        as_of_us,
    } = message;
    Ok(RateTick {
        pair: CurrencyPair {
            presentment: value::currency("publish_rates.ticks.presentment_currency", *presentment_currency)?,
            debit: value::currency("publish_rates.ticks.debit_currency", *debit_currency)?,
        },
        mid_rate: value::rate("publish_rates.ticks.mid_rate_mantissa", *mid_rate_mantissa, *mid_rate_scale)?,
        source: value::label("publish_rates.ticks.source", source)?,
        as_of: Timestamp::from_micros(*as_of_us),
    })
}

fn write_move(command: &MoveFunds) -> (u64, i64) {
    let account = value::present(&command.account);
    assert!(account.currency == command.amount.currency(), "funds move in the currency of their account");
    (account.packed(), value::payable_minor_units(command.amount))
}

fn read_move(field: &'static str, account: AccountId, minor_units: i64) -> Result<MoveFunds, DecodeError> {
    let amount = value::payable(field, account.currency, minor_units)?;
    Ok(MoveFunds { account: Evidence::Present(account), amount })
}

fn write_payment(command: &AuthorizePayment) -> journal_v1::AuthorizePayment {
    let AuthorizePayment {
        payment_id,
        merchant,
        merchant_order_id,
        merchant_order_digest,
        presentment_amount,
        payer,
        converted,
    } = command;
    let payer = value::present(payer);
    journal_v1::AuthorizePayment {
        payment_id: payment_id.bytes().to_vec(),
        merchant: merchant.0,
        merchant_order_id: merchant_order_id.as_str().to_owned(),
        merchant_order_digest: merchant_order_digest.0.to_vec(),
        payer: payer.packed(),
        presentment_currency: presentment_amount.currency().numeric().into(),
        presentment_minor_units: value::payable_minor_units(*presentment_amount),
        quote: match value::present(converted) {
            Converted::SameCurrency => None,
            Converted::Quoted(quote) => Some(write_quote(quote, payer.currency)),
        },
    }
}

fn read_payment(message: &journal_v1::AuthorizePayment) -> Result<AuthorizePayment, DecodeError> {
    let journal_v1::AuthorizePayment {
        payment_id,
        merchant,
        merchant_order_id,
        merchant_order_digest,
        payer,
        presentment_currency,
        presentment_minor_units,
        quote,
    } = message;
    let payer = value::account("authorize_payment.payer", *payer)?;
    let presentment_currency = value::currency("authorize_payment.presentment_currency", *presentment_currency)?;
    Ok(AuthorizePayment {
        payment_id: value::payment_id("authorize_payment.payment_id", payment_id)?,
        merchant: MerchantId(*merchant),
        merchant_order_id: value::label("authorize_payment.merchant_order_id", merchant_order_id)?,
        merchant_order_digest: value::digest("authorize_payment.merchant_order_digest", merchant_order_digest)?,
        presentment_amount: value::payable(
            "authorize_payment.presentment_minor_units",
            presentment_currency,
            *presentment_minor_units,
        )?,
        payer: Evidence::Present(payer),
        converted: Evidence::Present(match quote {
            None => Converted::SameCurrency,
            Some(quote) => Converted::Quoted(read_quote(quote, payer.currency)?),
        }),
    })
}

fn write_quote(quote: &Quote, debit_currency: Currency) -> journal_v1::Quote {
    let Quote { mid_rate, markup, rate_lsn, as_of, source, amounts } = quote;
    let (debit_minor_units, mid_minor_units) = match amounts {
        None => (0, 0),
        Some(QuotedAmounts { debit, mid }) => {
            assert!(debit.currency() == debit_currency, "a quote debits in the currency of the payer");
            assert!(mid.currency() == debit_currency, "a quote's mid is in the currency of the payer");
            // Amounts are evidence: the engine judges them, so whatever it judged is written as it was.
            let minor_units = (value::minor_units(*debit), value::minor_units(*mid));
            assert!(
                minor_units != (0, 0),
                "two zeros stand for no amounts: a debit is rounded up from more than nothing"
            );
            minor_units
        }
    };
    journal_v1::Quote {
        mid_rate_mantissa: mid_rate.mantissa(),
        mid_rate_scale: mid_rate.scale(),
        markup_millionths: markup.millionths(),
        rate_lsn: rate_lsn.get(),
        as_of_us: as_of.micros(),
        source: source.as_str().to_owned(),
        debit_minor_units,
        mid_minor_units,
    }
}

fn read_quote(message: &journal_v1::Quote, debit_currency: Currency) -> Result<Quote, DecodeError> {
    let journal_v1::Quote {
        mid_rate_mantissa,
        mid_rate_scale,
        markup_millionths,
        rate_lsn,
        as_of_us,
        source,
        debit_minor_units,
        mid_minor_units,
    } = message;
    let amounts = match (*debit_minor_units, *mid_minor_units) {
        (0, 0) => None,
        (debit, mid) => Some(QuotedAmounts {
            debit: Money::new(debit_currency, debit.into()),
            mid: Money::new(debit_currency, mid.into()),
        }),
    };
    Ok(Quote {
        mid_rate: value::rate("authorize_payment.quote.mid_rate_mantissa", *mid_rate_mantissa, *mid_rate_scale)?,
        markup: value::ratio("authorize_payment.quote.markup_millionths", *markup_millionths)?,
        rate_lsn: Lsn::new(*rate_lsn),
        as_of: Timestamp::from_micros(*as_of_us),
        source: value::label("authorize_payment.quote.source", source)?,
        amounts,
    })
}
