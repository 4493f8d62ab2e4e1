//! `payctl balance`, `open`, `deposit`, `withdraw`, `freeze`, `unfreeze` and `close`: one account of a wallet.

use clap::Args;
use money::{Currency, Money};
use wire::v1::{
    Account, AccountServiceGetRequest, AccountState, CloseRequest, DeclineReason, DepositRequest, FreezeRequest,
    Movement, MovementState, OpenRequest, UnfreezeRequest, WithdrawRequest,
};

use crate::commands::{Key, amount_argument, currency_argument, name_argument, repeat_with};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, Fields, GOOD, STRONG, paint};
use crate::words;

/// Show an account's balances
///
/// Asks as the wallet operator that keeps the account. Available is what can be spent: posted less held.
#[derive(Debug, Args)]
pub(crate) struct Balance {
    /// The account within the caller's wallet
    #[arg(value_name = "NAME", value_parser = name_argument)]
    account_id: String,
}

/// Open an account
///
/// The account begins with a balance of zero and holds one currency for ever.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The new account within the caller's wallet
    #[arg(value_name = "NAME", value_parser = name_argument)]
    account_id: String,
    /// The currency it holds, ISO 4217
    #[arg(long, value_parser = currency_argument)]
    currency: Currency,
    #[command(flatten)]
    key: Key,
}

/// Credit an account from the switch's bank account
///
/// The funds come from Nostro, so that the books stay balanced. Exits 1 when it is declined.
#[derive(Debug, Args)]
pub(crate) struct Deposit {
    #[command(flatten)]
    movement: MovementArguments,
}

/// Debit an account to the switch's bank account
///
/// The funds go to Nostro. Declined, with exit code 1, when the available balance is smaller.
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    #[command(flatten)]
    movement: MovementArguments,
}

/// How much, from or to which account.
#[derive(Debug, Args)]
struct MovementArguments {
    /// The account within the caller's wallet
    #[arg(value_name = "NAME", value_parser = name_argument)]
    account_id: String,
    /// Amount in the account's currency, e.g. "HKD 500.00"
    #[arg(long, value_parser = amount_argument)]
    amount: Money,
    #[command(flatten)]
    key: Key,
}

/// Decline new debits of an account until it is unfrozen
///
/// Holds in place are kept and can be captured; credits arrive.
#[derive(Debug, Args)]
pub(crate) struct Freeze {
    #[command(flatten)]
    of: AccountArguments,
}

/// End the freeze of an account
///
/// From then on it can be debited again.
#[derive(Debug, Args)]
pub(crate) struct Unfreeze {
    #[command(flatten)]
    of: AccountArguments,
}

/// Close an account for ever
///
/// Declined, with exit code 1, while the account has a balance.
#[derive(Debug, Args)]
pub(crate) struct Close {
    #[command(flatten)]
    of: AccountArguments,
}

/// Which account is changed.
#[derive(Debug, Args)]
struct AccountArguments {
    /// The account within the caller's wallet
    #[arg(value_name = "NAME", value_parser = name_argument)]
    account_id: String,
    #[command(flatten)]
    key: Key,
}

impl Balance {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let reply = context.wallet().account(AccountServiceGetRequest { account_id: self.account_id }).await?;
        context.show(&reply, |reply| {
            let account = reply.account.as_ref().map(account_text).unwrap_or_default();
            account + &paint(FAINT, format!("  as of lsn {}", reply.applied_lsn)) + "\n"
        });
        Ok(Exit::Approved)
    }
}

impl Open {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = OpenRequest {
            idempotency_key: self.key.or_new(),
            account_id: self.account_id,
            currency_code: self.currency.code().to_owned(),
        };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.wallet().open(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| {
            let account = reply.account.as_ref().map(account_text).unwrap_or_default();
            account + &paint(FAINT, format!("  opened, lsn {}", reply.lsn)) + "\n"
        });
        Ok(Exit::Approved)
    }
}

impl Deposit {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let MovementArguments { account_id, amount, key } = self.movement;
        let idempotency_key = key.or_new();
        let repeat = repeat_with(&idempotency_key);
        let request = DepositRequest { idempotency_key, account_id, amount: words::money_message(amount) };
        let reply = context.wallet().deposit(request).await.map_err(|error| Error::Call { error, repeat })?;
        let exit = movement_exit(reply.movement.as_ref())?;
        context.show(&reply, |reply| reply.movement.as_ref().map(movement_text).unwrap_or_default());
        Ok(exit)
    }
}

impl Withdraw {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let MovementArguments { account_id, amount, key } = self.movement;
        let idempotency_key = key.or_new();
        let repeat = repeat_with(&idempotency_key);
        let request = WithdrawRequest { idempotency_key, account_id, amount: words::money_message(amount) };
        let reply = context.wallet().withdraw(request).await.map_err(|error| Error::Call { error, repeat })?;
        let exit = movement_exit(reply.movement.as_ref())?;
        context.show(&reply, |reply| reply.movement.as_ref().map(movement_text).unwrap_or_default());
        Ok(exit)
    }
}

impl Freeze {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let AccountArguments { account_id, key } = self.of;
        let request = FreezeRequest { idempotency_key: key.or_new(), account_id: account_id.clone() };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.wallet().freeze(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| changed_text("frozen", &account_id, reply.lsn));
        Ok(Exit::Approved)
    }
}

impl Unfreeze {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let AccountArguments { account_id, key } = self.of;
        let request = UnfreezeRequest { idempotency_key: key.or_new(), account_id: account_id.clone() };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.wallet().unfreeze(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| changed_text("unfrozen", &account_id, reply.lsn));
        Ok(Exit::Approved)
    }
}

impl Close {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let AccountArguments { account_id, key } = self.of;
        let request = CloseRequest { idempotency_key: key.or_new(), account_id: account_id.clone() };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.wallet().close(request).await.map_err(|error| Error::Call { error, repeat })?;
        let closed = reply.decline_reason() == DeclineReason::Unspecified;
        context.show(&reply, |reply| {
            let answer = if closed { paint(GOOD, "closed") } else { paint(BAD, "declined") };
            let mut fields = Fields::default();
            if !closed {
                fields.line("reason", words::decline(reply.decline_reason(), ""));
            }
            fields.line("lsn", format!("{}, durable", reply.lsn));
            format!("{answer}  account {account_id}\n{fields}")
        });
        Ok(if closed { Exit::Approved } else { Exit::Declined })
    }
}

fn changed_text(done: &str, account_id: &str, lsn: u64) -> String {
    format!("{}  account {account_id}\n{}\n", paint(GOOD, done), paint(FAINT, format!("  lsn {lsn}, durable")))
}

fn movement_exit(movement: Option<&Movement>) -> Result<Exit, Error> {
    match movement.map(Movement::state) {
        Some(MovementState::Posted) => Ok(Exit::Approved),
        Some(MovementState::Declined) => Ok(Exit::Declined),
        Some(MovementState::Unspecified) | None => Err(Error::Reply("it does not say whether funds moved".to_owned())),
    }
}

fn account_text(account: &Account) -> String {
    let mut fields = Fields::default();
    fields.line("available", paint(STRONG, words::amount(account.available_balance.as_ref())));
    fields.line("held", words::amount(account.held_balance.as_ref()));
    fields.line("posted", words::amount(account.posted_balance.as_ref()));
    let state = match account.state() {
        AccountState::Open => paint(GOOD, "open"),
        AccountState::Closed => paint(BAD, "closed"),
        AccountState::Frozen => paint(BAD, "frozen"),
        AccountState::Unspecified => "-".to_owned(),
    };
    let since = words::time(account.create_time.as_ref().map(|time| time.seconds));
    fields.line("state", format!("{state}, opened {since}"));
    format!("account {}\n{fields}", paint(STRONG, words::account(account.account.as_ref())))
}

fn movement_text(movement: &Movement) -> String {
    let posted = movement.state() == MovementState::Posted;
    let answer = if posted { paint(GOOD, "posted") } else { paint(BAD, "declined") };
    let mut fields = Fields::default();
    if !posted {
        fields.line("reason", words::decline(movement.decline_reason(), ""));
    }
    fields.line("amount", words::amount(movement.amount.as_ref()));
    if posted {
        fields.line("balance", paint(STRONG, words::amount(movement.posted_balance.as_ref())));
    }
    fields.line("lsn", format!("{}, durable", movement.lsn));
    format!("{answer}  account {}\n{fields}", words::account(movement.account.as_ref()))
}

#[cfg(test)]
mod tests {
    use wire::v1::{AccountReference, Money};

    use super::*;
    use crate::render::plain;

    fn hkd(minor_units: i64) -> Option<Money> {
        Some(Money { currency_code: "HKD".into(), minor_units })
    }

    fn hk_alice() -> Option<AccountReference> {
        Some(AccountReference { wallet_id: "demo-wallet".into(), account_id: "hk-alice".into() })
    }

    #[test]
    fn a_balance_says_first_what_can_be_spent() {
        let account = Account {
            account: hk_alice(),
            currency_code: "HKD".into(),
            state: AccountState::Open.into(),
            posted_balance: hkd(988_089),
            held_balance: hkd(0),
            available_balance: hkd(988_089),
            create_time: None,
        };
        let expected = "\
account demo-wallet/hk-alice
  available  HKD 9,880.89
  held       HKD 0.00
  posted     HKD 9,880.89
  state      open, opened -
";
        assert_eq!(plain(account_text(&account)), expected);
    }

    #[test]
    fn a_declined_movement_shows_no_balance() {
        let movement = Movement {
            state: MovementState::Declined.into(),
            decline_reason: DeclineReason::InsufficientBalance.into(),
            account: hk_alice(),
            amount: hkd(100),
            lsn: 9,
            ..Movement::default()
        };
        let expected = "\
declined  account demo-wallet/hk-alice
  reason  the available balance is smaller than the debit
  amount  HKD 1.00
  lsn     9, durable
";
        assert_eq!(plain(movement_text(&movement)), expected);
        assert_eq!(movement_exit(Some(&movement)).unwrap(), Exit::Declined);
    }

    #[test]
    fn a_movement_without_a_state_is_not_an_answer() {
        assert_eq!(movement_exit(None).unwrap_err().exit(), Exit::Damaged);
        assert_eq!(movement_exit(Some(&Movement::default())).unwrap_err().exit(), Exit::Damaged);
    }
}
