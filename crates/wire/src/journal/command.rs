//! What was asked.

pub(super) mod card;
mod consent;
pub(super) mod payment;
pub(super) mod policy;
pub(crate) mod quote;
pub(super) mod rates;
mod together;

use domain::{
    AccountId, AcknowledgeAdvice, Command, DigestKey, Evidence, FundReserve, InitializeSwitch, Lsn, MerchantId, Mode,
    MoveFunds, OnAccount, OpenAccount, PayOut, RegisterMerchant, RegisterWallet, SquarePosition, WalletId,
};

use super::{DecodeError, value};
use crate::journal_v1::{self, command::Command as Message};

pub(super) fn write(command: &Command) -> journal_v1::Command {
    let message = match command {
        Command::InitializeSwitch(command) => Message::InitializeSwitch(write_initialize(command)),
        Command::InstallPolicy(command) => Message::InstallPolicy(policy::write(command)),
        Command::RegisterWallet(RegisterWallet { name }) => {
            Message::RegisterWallet(journal_v1::RegisterWallet { name: name.as_str().to_owned() })
        }
        Command::RegisterMerchant(command) => Message::RegisterMerchant(write_merchant(command)),
        Command::PublishRates(command) => Message::PublishRates(rates::write(command)),
        Command::OpenAccount(command) => Message::OpenAccount(write_open(command)),
        Command::CloseAccount(command) => {
            Message::CloseAccount(journal_v1::CloseAccount { account: write_account(command) })
        }
        Command::Deposit(command) => {
            let (account, minor_units) = write_move(command);
            Message::Deposit(journal_v1::Deposit { account, minor_units })
        }
        Command::Withdraw(command) => {
            let (account, minor_units) = write_move(command);
            Message::Withdraw(journal_v1::Withdraw { account, minor_units })
        }
        Command::AuthorizePayment(command) => Message::AuthorizePayment(payment::write_authorize(command)),
        Command::AuthorizeTogether(command) => Message::AuthorizeTogether(together::write(command)),
        Command::CapturePayment(command) => Message::CapturePayment(payment::write_capture(command)),
        Command::VoidPayment(command) => Message::VoidPayment(payment::write_void(command)),
        Command::RefundPayment(command) => Message::RefundPayment(payment::write_refund(command)),
        Command::IncreaseAuthorization(command) => Message::IncreaseAuthorization(payment::write_increase(command)),
        Command::ExpireHolds => Message::ExpireHolds(journal_v1::ExpireHolds {}),
        Command::PriceRefunds => Message::PriceRefunds(journal_v1::PriceRefunds {}),
        Command::FreezeAccount(command) => {
            Message::FreezeAccount(journal_v1::FreezeAccount { account: write_account(command) })
        }
        Command::UnfreezeAccount(command) => {
            Message::UnfreezeAccount(journal_v1::UnfreezeAccount { account: write_account(command) })
        }
        Command::IssueCode(command) => Message::IssueCode(consent::write_code(command)),
        Command::ApproveOrder(command) => Message::ApproveOrder(consent::write_approval(command)),
        Command::ApproveCardOrder(command) => Message::ApproveCardOrder(consent::write_card_approval(command)),
        Command::GrantMandate(command) => Message::GrantMandate(consent::write_mandate(command)),
        Command::RevokeMandate(command) => Message::RevokeMandate(consent::write_revocation(command)),
        Command::FundReserve(command) => Message::FundReserve(write_reserve(command)),
        Command::PayOut(command) => Message::PayOut(write_pay_out(command)),
        Command::SquarePosition(command) => Message::SquarePosition(write_square(command)),
        Command::AssertPerson(command) => Message::AssertPerson(card::write_person(command)),
        Command::BindCard(command) => Message::BindCard(card::write_bind(command)),
        Command::UnbindCard(command) => Message::UnbindCard(card::write_unbind(command)),
        Command::AnswerCard(command) => Message::AnswerCard(card::write_answer(command)),
        Command::TimeOutCard(payment_id) => {
            Message::TimeOutCard(journal_v1::TimeOutCard { payment_id: payment_id.bytes().to_vec() })
        }
        Command::AcknowledgeAdvice(command) => Message::AcknowledgeAdvice(card::write_acknowledged(command)),
        Command::SettleScheme(command) => Message::SettleScheme(card::write_settle(command)),
    };
    journal_v1::Command { command: Some(message) }
}

pub(super) fn read(message: journal_v1::Command) -> Result<Command, DecodeError> {
    Ok(match value::required("command.command", message.command)? {
        Message::InitializeSwitch(message) => Command::InitializeSwitch(read_initialize(&message)?),
        Message::InstallPolicy(message) => Command::InstallPolicy(policy::read(&message)?),
        Message::RegisterWallet(journal_v1::RegisterWallet { name }) => {
            Command::RegisterWallet(RegisterWallet { name: value::name("register_wallet.name", &name)? })
        }
        Message::RegisterMerchant(message) => Command::RegisterMerchant(read_merchant(&message)?),
        Message::PublishRates(message) => Command::PublishRates(rates::read(&message)?),
        Message::OpenAccount(message) => Command::OpenAccount(read_open(&message)?),
        Message::CloseAccount(journal_v1::CloseAccount { account }) => {
            Command::CloseAccount(read_account("close_account.account", account)?)
        }
        Message::Deposit(journal_v1::Deposit { account, minor_units }) => {
            let account = value::account("deposit.account", account)?;
            Command::Deposit(read_move("deposit.minor_units", account, minor_units)?)
        }
        Message::Withdraw(journal_v1::Withdraw { account, minor_units }) => {
            let account = value::account("withdraw.account", account)?;
            Command::Withdraw(read_move("withdraw.minor_units", account, minor_units)?)
        }
        Message::AuthorizePayment(message) => Command::AuthorizePayment(payment::read_authorize(&message)?),
        Message::AuthorizeTogether(message) => Command::AuthorizeTogether(together::read(message)?),
        Message::CapturePayment(message) => Command::CapturePayment(payment::read_capture(&message)?),
        Message::VoidPayment(message) => Command::VoidPayment(payment::read_void(&message)?),
        Message::RefundPayment(message) => Command::RefundPayment(payment::read_refund(&message)?),
        Message::IncreaseAuthorization(message) => Command::IncreaseAuthorization(payment::read_increase(&message)?),
        Message::ExpireHolds(journal_v1::ExpireHolds {}) => Command::ExpireHolds,
        Message::PriceRefunds(journal_v1::PriceRefunds {}) => Command::PriceRefunds,
        Message::FreezeAccount(journal_v1::FreezeAccount { account }) => {
            Command::FreezeAccount(read_account("freeze_account.account", account)?)
        }
        Message::UnfreezeAccount(journal_v1::UnfreezeAccount { account }) => {
            Command::UnfreezeAccount(read_account("unfreeze_account.account", account)?)
        }
        Message::IssueCode(message) => Command::IssueCode(consent::read_code(&message)?),
        Message::ApproveOrder(message) => Command::ApproveOrder(consent::read_approval(&message)?),
        Message::ApproveCardOrder(message) => Command::ApproveCardOrder(consent::read_card_approval(&message)?),
        Message::GrantMandate(message) => Command::GrantMandate(consent::read_mandate(&message)?),
        Message::RevokeMandate(message) => Command::RevokeMandate(consent::read_revocation(&message)?),
        Message::FundReserve(message) => Command::FundReserve(read_reserve(&message)?),
        Message::PayOut(message) => Command::PayOut(read_pay_out(&message)?),
        Message::SquarePosition(message) => Command::SquarePosition(read_square(&message)?),
        Message::AssertPerson(message) => Command::AssertPerson(card::read_person(&message)?),
        Message::BindCard(message) => Command::BindCard(card::read_bind(&message)?),
        Message::UnbindCard(message) => Command::UnbindCard(card::read_unbind(&message)?),
        Message::AnswerCard(message) => Command::AnswerCard(card::read_answer(&message)?),
        Message::TimeOutCard(journal_v1::TimeOutCard { payment_id }) => {
            Command::TimeOutCard(value::payment_id("time_out_card.payment_id", &payment_id)?)
        }
        Message::AcknowledgeAdvice(journal_v1::AcknowledgeAdvice { advice_lsn }) => {
            Command::AcknowledgeAdvice(AcknowledgeAdvice { advice: Lsn::new(advice_lsn) })
        }
        Message::SettleScheme(message) => Command::SettleScheme(card::read_settle(&message)?),
    })
}

pub(super) fn write_initialize(command: &InitializeSwitch) -> journal_v1::InitializeSwitch {
    let InitializeSwitch { mode, digest_key: DigestKey { id, check } } = command;
    let mode = match mode {
        Mode::Sandbox => 1,
        Mode::Production => 2,
    };
    journal_v1::InitializeSwitch { mode, digest_key_id: *id, digest_key_check: check.0.to_vec() }
}

pub(super) fn read_initialize(message: &journal_v1::InitializeSwitch) -> Result<InitializeSwitch, DecodeError> {
    let journal_v1::InitializeSwitch { mode, digest_key_id, digest_key_check } = message;
    let mode = match mode {
        1 => Mode::Sandbox,
        2 => Mode::Production,
        number => return Err(value::invalid("initialize_switch.mode", number)),
    };
    let check = value::digest("initialize_switch.digest_key_check", digest_key_check)?;
    Ok(InitializeSwitch { mode, digest_key: DigestKey { id: *digest_key_id, check } })
}

pub(super) fn write_merchant(command: &RegisterMerchant) -> journal_v1::RegisterMerchant {
    let RegisterMerchant { name, settlement_currency, discount, api_key_hash } = command;
    journal_v1::RegisterMerchant {
        name: name.as_str().to_owned(),
        settlement_currency: value::number(*settlement_currency),
        discount_millionths: discount.millionths(),
        api_key_hash: api_key_hash.0.to_vec(),
    }
}

pub(super) fn read_merchant(message: &journal_v1::RegisterMerchant) -> Result<RegisterMerchant, DecodeError> {
    let journal_v1::RegisterMerchant { name, settlement_currency, discount_millionths, api_key_hash } = message;
    Ok(RegisterMerchant {
        name: value::name("register_merchant.name", name)?,
        settlement_currency: value::currency("register_merchant.settlement_currency", *settlement_currency)?,
        discount: value::ratio("register_merchant.discount_millionths", *discount_millionths)?,
        api_key_hash: value::api_key_hash("register_merchant.api_key_hash", api_key_hash)?,
    })
}

fn write_open(command: &OpenAccount) -> journal_v1::OpenAccount {
    let OpenAccount { wallet, name, currency } = command;
    journal_v1::OpenAccount { wallet: wallet.0, name: name.as_str().to_owned(), currency: value::number(*currency) }
}

fn read_open(message: &journal_v1::OpenAccount) -> Result<OpenAccount, DecodeError> {
    let journal_v1::OpenAccount { wallet, name, currency } = message;
    Ok(OpenAccount {
        wallet: WalletId(*wallet),
        name: value::name("open_account.name", name)?,
        currency: value::currency("open_account.currency", *currency)?,
    })
}

fn write_account(command: &OnAccount) -> u64 {
    let OnAccount { account } = command;
    value::present(account).packed()
}

fn read_account(field: &'static str, packed: u64) -> Result<OnAccount, DecodeError> {
    Ok(OnAccount { account: Evidence::Present(value::account(field, packed)?) })
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

fn write_reserve(command: &FundReserve) -> journal_v1::FundReserve {
    let FundReserve { merchant, amount } = command;
    journal_v1::FundReserve {
        merchant: value::present(merchant).0,
        currency: value::number(amount.currency()),
        minor_units: value::payable_minor_units(*amount),
    }
}

fn write_pay_out(command: &PayOut) -> journal_v1::PayOut {
    let PayOut { merchant, amount } = command;
    journal_v1::PayOut {
        merchant: value::present(merchant).0,
        currency: amount.currency().numeric().into(),
        minor_units: value::payable_minor_units(*amount),
    }
}

fn read_pay_out(message: &journal_v1::PayOut) -> Result<PayOut, DecodeError> {
    let journal_v1::PayOut { merchant, currency, minor_units } = message;
    let currency = value::currency("pay_out.currency", *currency)?;
    let amount = value::payable("pay_out.minor_units", currency, *minor_units)?;
    Ok(PayOut { merchant: Evidence::Present(MerchantId(*merchant)), amount })
}

fn read_reserve(message: &journal_v1::FundReserve) -> Result<FundReserve, DecodeError> {
    let journal_v1::FundReserve { merchant, currency, minor_units } = message;
    let currency = value::currency("fund_reserve.currency", *currency)?;
    let amount = value::payable("fund_reserve.minor_units", currency, *minor_units)?;
    Ok(FundReserve { merchant: Evidence::Present(MerchantId(*merchant)), amount })
}

fn write_square(command: &SquarePosition) -> journal_v1::SquarePosition {
    let SquarePosition { sold, bought, closed } = command;
    assert!(bought.currency() == closed.currency(), "what closes a position is in its currency");
    journal_v1::SquarePosition {
        sold_currency: value::number(sold.currency()),
        sold_minor_units: value::payable_minor_units(*sold),
        bought_currency: value::number(bought.currency()),
        bought_minor_units: value::payable_minor_units(*bought),
        closed_minor_units: value::payable_minor_units(*closed),
    }
}

fn read_square(message: &journal_v1::SquarePosition) -> Result<SquarePosition, DecodeError> {
    let journal_v1::SquarePosition {
        sold_currency,
        sold_minor_units,
        bought_currency,
        bought_minor_units,
        closed_minor_units,
    } = message;
    let sold = value::currency("square_position.sold_currency", *sold_currency)?;
    let bought = value::currency("square_position.bought_currency", *bought_currency)?;
    Ok(SquarePosition {
        sold: value::payable("square_position.sold_minor_units", sold, *sold_minor_units)?,
        bought: value::payable("square_position.bought_minor_units", bought, *bought_minor_units)?,
        closed: value::payable("square_position.closed_minor_units", bought, *closed_minor_units)?,
    })
}
