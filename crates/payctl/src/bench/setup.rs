//! Accounts with funds, connections, and the operator's view: all a run needs before it begins.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use client::{Address, ApiKey, Client, Code, Echo, EchoSize, Error as CallError, Operator, Options, sandbox};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money};
use tokio::task::JoinSet;
use wire::v1::{
    AccountReference, AccountServiceGetRequest, DepositRequest, DepositResponse, OpenRequest, PaymentServiceListRequest,
};

use super::chance::Zipf;
use super::cpu::Reading;
use super::cycle::CycleCall;
use super::lag::Lag;
use super::load::Numbers;
use super::many::{BatchCall, StreamCall};
use super::mix::Mix;
use super::payments::{EchoCall, PaymentCall};
use super::plan::{Choice, Merchant, Payer, Plan};
use super::server::ServerProcess;
use super::work::{EchoWork, PaymentWork};
use super::{Bench, ClientKind};
use crate::commands::new_id;
use crate::context::{Context, read_key};
use crate::error::Error;
use crate::words;

/// What each account is given before each run: enough for ten thousand million payments of ten.
const DEPOSIT_MINOR_UNITS: i64 = 10_000_000_000_000;
const _: () = assert!(DEPOSIT_MINOR_UNITS <= AMOUNT_MINOR_UNITS_MAX);
/// Why an account is not opened once more.
const ACCOUNT_EXISTS: &str = "ACCOUNT_EXISTS";
/// Accounts opened at once.
const OPENERS: usize = 32;

/// A daemon that is ready to be measured.
#[derive(Debug)]
pub(super) struct Setup {
    server: Address,
    merchant_key: ApiKey,
    operator: Operator,
    /// The daemon, if it is a process of this machine.
    process: Option<ServerProcess>,
    plan: Rc<Plan>,
    /// One for each connection of a load over the SDK; one, for what else is to be asked, beside the lean client.
    clients: Vec<Client>,
    numbers: Numbers,
}

impl Setup {
    /// Opens and funds the accounts and makes the connections.
    pub(super) async fn prepare(bench: &Bench, context: &Context) -> Result<Self, Error> {
        let server = context.server().clone();
        let merchants = merchants(bench, context)?;
        let merchant_key = merchants.first().map(|merchant| merchant.key.clone()).expect("there is a merchant");
        let wallet_key = match &bench.wallet_key_file {
            Some(path) => read_key(path)?,
            None => sandbox::WALLET_KEY.parse().expect("the sandbox's keys are valid"),
        };
        let operator_key = bench.operator_key_file.as_deref().map(read_key).transpose()?;
        let operator = context.operator_with(operator_key.as_ref());

        let wallet = Client::connect(&server, &wallet_key, Options::default()).await?;
        let payers = open_accounts(&wallet, &bench.payers_currencies(), bench.payers).await?;
        let zipf = bench.zipf.and_then(|exponent| Zipf::new(bench.payers, exponent));
        let choice = Choice { zipf, hot_percent: bench.hot_merchant };
        let plan = Rc::new(Plan::new(merchants, payers, choice));
        let process = match bench.server_pid {
            Some(pid) => {
                Some(ServerProcess::of(pid).ok_or_else(|| Error::Usage(format!("there is no process {pid}")))?)
            }
            None => ServerProcess::listening_at(&server),
        };
        let mut clients = Vec::new();
        let over_sdk = if bench.client() == ClientKind::Lean { 1 } else { bench.connections.get() };
        for _ in 0..over_sdk {
            clients.push(Client::connect(&server, &merchant_key, Options::default()).await?);
        }
        Ok(Self { server, merchant_key, operator, process, plan, clients, numbers: Numbers::default() })
    }

    /// Payments over each connection.
    pub(super) fn payment_calls(&self, lag: Option<&Arc<Lag>>) -> Vec<PaymentCall> {
        let call = |client: &Client| PaymentCall::new(client.clone(), Rc::clone(&self.plan), lag.cloned());
        self.clients.iter().map(call).collect()
    }

    /// Payments over a stream on each connection.
    pub(super) async fn stream_calls(&self) -> Result<Vec<StreamCall>, Error> {
        let mut calls = Vec::new();
        for (client, payments) in self.clients.iter().zip(self.payment_calls(None)) {
            calls.push(StreamCall::begin(client, payments).await?);
        }
        Ok(calls)
    }

    /// Batches of so many payments over each connection.
    pub(super) fn batch_calls(&self, size: u32) -> Vec<BatchCall> {
        let calls = self.clients.iter().zip(self.payment_calls(None));
        calls.map(|(client, payments)| BatchCall::new(client.clone(), payments, size.into())).collect()
    }

    /// Whole cycles over each connection.
    pub(super) fn cycle_calls(&self, lag: Option<&Arc<Lag>>) -> Result<Vec<CycleCall>, Error> {
        let too_small = || Error::Usage("--amount is too small to be captured in three parts".to_owned());
        let call = |client: &Client| CycleCall::new(client.clone(), Rc::clone(&self.plan), lag.cloned());
        self.clients.iter().map(|client| call(client).ok_or_else(too_small)).collect()
    }

    /// Follows this run's payments on a stream, over a connection of its own.
    pub(super) async fn follow(&self) -> Result<Arc<Lag>, Error> {
        let client = Client::connect(&self.server, &self.merchant_key, Options::default()).await?;
        let merchant_id = self.plan.merchant().merchant_id.clone();
        let request =
            PaymentServiceListRequest { merchant_id: merchant_id.clone(), page_size: 1, ..Default::default() };
        let now = client.list_payments(request).await?.applied_lsn;
        Lag::follow(&client, merchant_id, now, self.plan.run().to_owned()).await
    }

    /// Payments, and what becomes of them, for the lean client.
    pub(super) fn payment_work(&self, mix: Mix, repeats_percent: u64, lag: Option<&Arc<Lag>>) -> PaymentWork {
        PaymentWork::new(self.server.clone(), Rc::clone(&self.plan), mix, repeats_percent, lag.cloned())
    }

    /// Echoes of a payment's size, for the lean client.
    pub(super) async fn echo_work(&self) -> Result<EchoWork, Error> {
        let size = self.echo_size().await?;
        let echo = Echo::connect(&self.server, &self.merchant_key, Options::default()).await?;
        echo.echo(&size).await.map_err(explain_missing_echo)?;
        Ok(EchoWork {
            address: self.server.clone(),
            key: self.merchant_key.clone(),
            request: size.request(),
            response_bytes: size.response_bytes(),
        })
    }

    /// As large as a payment, of which one is made.
    async fn echo_size(&self) -> Result<EchoSize, Error> {
        let client = self.clients.first().expect("there is a connection").clone();
        // The number no run comes to: this payment's key must not be used again.
        let (request, reply) = PaymentCall::new(client, Rc::clone(&self.plan), None).pay(u64::MAX).await?;
        Ok(EchoSize::of_payment(&request, &reply))
    }

    /// Echoes of a payment's size, over as many connections of their own.
    pub(super) async fn echo_calls(&self) -> Result<Vec<EchoCall>, Error> {
        let size = Rc::new(self.echo_size().await?);
        let mut calls = Vec::new();
        for _ in &self.clients {
            let echo = Echo::connect(&self.server, &self.merchant_key, Options::default()).await?;
            echo.echo(&size).await.map_err(explain_missing_echo)?;
            calls.push(EchoCall::new(echo, Rc::clone(&size)));
        }
        Ok(calls)
    }

    /// Where the daemon listens.
    pub(super) fn server(&self) -> &Address {
        &self.server
    }

    /// The daemon, if it is a process of this machine.
    pub(super) fn process(&self) -> Option<ServerProcess> {
        self.process
    }

    /// Numbers for calls, each given once.
    pub(super) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// CPU time used so far, here and by the daemon. The operating system tells of a daemon on this machine; of another it
    /// tells itself, to a caller with the operator's key.
    pub(super) async fn cpu(&self) -> Reading {
        let server = match self.process {
            Some(process) => process.cpu(),
            None => self.operator.status().await.ok().map(|status| Duration::from_micros(status.process_cpu_us)),
        };
        Reading::now(server)
    }
}

fn explain_missing_echo(error: CallError) -> Error {
    if matches!(&error, CallError::Refused(refusal) if refusal.code == Code::Unimplemented) {
        return Error::Usage("the daemon does not serve echoes: start it with --bench-echo".to_owned());
    }
    error.into()
}

/// Who is paid, each with its key and amount.
fn merchants(bench: &Bench, context: &Context) -> Result<Vec<Merchant>, Error> {
    let keys = context.merchant_keys(&bench.merchant)?;
    let wrong = || Error::Usage("give one --amount, or one for each --merchant".to_owned());
    let amounts = match bench.amount.as_slice() {
        [amount] => vec![*amount; keys.len()],
        amounts if amounts.len() == keys.len() => amounts.to_vec(),
        _ => return Err(wrong()),
    };
    let merchants = bench.merchant.iter().zip(amounts).zip(keys);
    Ok(merchants.map(|((merchant, amount), key)| Merchant { merchant_id: merchant.clone(), amount, key }).collect())
}

/// Opens `bench-hkd-0` and on, in each of the currencies in turn, and gives each a deposit. Opening again is a repeat with the
/// same key, or refused once that has ended, so that an account that is there stays as it is.
async fn open_accounts(wallet: &Client, currencies: &[Currency], payers: u32) -> Result<Vec<Payer>, Error> {
    let currencies = currencies.iter().cycle();
    let named = |(n, currency): (u32, &Currency)| (format!("bench-{}-{n}", currency.code().to_lowercase()), *currency);
    let wanted: Vec<(String, Currency)> = (0..payers).zip(currencies).map(named).collect();
    let mut opened_accounts = Vec::new();
    // The daemon tells how many calls it takes at once in what comes with its first answer; calls before that would be refused.
    let (first, others) = wanted.split_at(wanted.len().min(1));
    for some in [first].into_iter().chain(others.chunks(OPENERS)) {
        let mut openers = JoinSet::new();
        for (name, currency) in some.iter().cloned() {
            let wallet = wallet.clone();
            openers.spawn(async move {
                let account = open_account(wallet, currency, name).await?;
                Ok::<_, Error>(Payer { account, currency })
            });
        }
        while let Some(opened) = openers.join_next().await {
            opened_accounts.push(opened.expect("opening an account does not panic")?);
        }
    }
    opened_accounts.sort_by(|one, other| one.account.account_id.cmp(&other.account.account_id));
    Ok(opened_accounts)
}

async fn open_account(wallet: Client, currency: Currency, name: String) -> Result<AccountReference, Error> {
    let request = OpenRequest {
        idempotency_key: format!("payctl-bench-open-{name}"),
        account_id: name.clone(),
        currency_code: currency.code().to_owned(),
    };
    let reference = match wallet.open(request).await {
        Err(CallError::Refused(refusal)) if refusal.reason == ACCOUNT_EXISTS => {
            let there = wallet.account(AccountServiceGetRequest { account_id: name.clone() }).await?;
            there.account.and_then(|account| account.account)
        }
        opened => opened?.account.and_then(|account| account.account),
    };
    let deposit = Money::payable(currency, DEPOSIT_MINOR_UNITS).expect("the deposit is an amount");
    let request = DepositRequest { idempotency_key: new_id(), account_id: name, amount: words::money_message(deposit) };
    // A declined deposit means an account that is as full as an account can be.
    let DepositResponse { movement: _ } = wallet.deposit(request).await?;
    reference.ok_or_else(|| Error::Reply("an opened account without a name".to_owned()))
}
