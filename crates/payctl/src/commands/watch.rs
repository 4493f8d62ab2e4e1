//! `payctl watch`.

mod resumption;

use std::io::{self, ErrorKind, Write};

use clap::Args;
use client::Client;
use serde_json::to_string;
use wire::v1::{PaymentEvent, PaymentServiceListRequest, WatchRequest, WatchResponse};

use self::resumption::Resumption;
use crate::commands::name_argument;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, STRONG, paint};
use crate::words;

/// Columns of the word that says what happened.
const WHAT_WIDTH: usize = 14;

/// Follow what happens to payments, a line an event
///
/// Of one merchant, with its key, or without --merchant as the switch's operator of all. Goes on until Ctrl-C and exits
/// 0. A broken connection is made again and the stream resumed where it stood, without gap or duplicate; after
/// --attempts failures in a row it gives up. With --json a line is one record with all its events: to go on later, give
/// the lsn of the last line to --after.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Of this merchant; in the sandbox its well-known key is used
    #[arg(long, value_name = "NAME", value_parser = name_argument)]
    merchant: Option<String>,
    /// What happened after this position; 0 is the beginning [default: from now on]
    #[arg(long, value_name = "LSN")]
    after: Option<u64>,
    /// Failures in a row after which it gives up
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    attempts: u32,
}

/// Why following ended without a failure.
enum Ended {
    /// Whoever read the lines has gone.
    ReaderGone,
}

impl Watch {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.reader(self.merchant.as_deref())?;
        let merchant_id = self.merchant.unwrap_or_default();
        let after = match self.after {
            Some(lsn) => lsn,
            None => now(&client, &merchant_id).await?,
        };
        let mut resumption = Resumption::new(after, self.attempts);
        let interrupted = async {
            let signal = tokio::signal::ctrl_c().await;
            signal.map_err(|source| Error::Local { tried: "wait for Ctrl-C".to_owned(), source })
        };
        tokio::select! {
            biased;
            interrupted = interrupted => interrupted?,
            followed = follow(&client, &merchant_id, &mut resumption, context) => match followed? {
                Ended::ReaderGone => return Ok(Exit::Approved),
            },
        }
        let last = resumption.last_lsn();
        anstream::eprintln!("{}", paint(FAINT, format!("stopped; go on with --after {last}")));
        Ok(Exit::Approved)
    }
}

/// How far the log has come, as far as this caller can tell.
async fn now(client: &Client, merchant_id: &str) -> Result<u64, Error> {
    let request = PaymentServiceListRequest {
        merchant_id: merchant_id.to_owned(),
        page_size: 1,
        ..PaymentServiceListRequest::default()
    };
    Ok(client.list_payments(request).await?.applied_lsn)
}

/// Shows what happens, and resumes after every failure as long as `resumption` lets it.
async fn follow(
    client: &Client,
    merchant_id: &str,
    resumption: &mut Resumption,
    context: &Context,
) -> Result<Ended, Error> {
    loop {
        let request = WatchRequest { merchant_id: merchant_id.to_owned(), after_lsn: resumption.last_lsn() };
        let trouble = match client.watch(request).await {
            Err(error) => Some(error),
            Ok(mut stream) => loop {
                match stream.next().await {
                    Ok(Some(told)) => {
                        resumption.told(&told)?;
                        if show(&told, context)?.is_break() {
                            return Ok(Ended::ReaderGone);
                        }
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            },
        };
        let why = trouble.as_ref().map_or_else(|| "the daemon ended the stream".to_owned(), ToString::to_string);
        let wait = resumption.cut_off(trouble)?;
        let again = format!("asking again after lsn {} in {}", resumption.last_lsn(), words::duration(wait));
        anstream::eprintln!("{}", paint(FAINT, format!("note: {why}; {again}")));
        tokio::time::sleep(wait).await;
    }
}

/// Prints a record's events; breaks when nobody reads them any more.
fn show(told: &WatchResponse, context: &Context) -> Result<std::ops::ControlFlow<()>, Error> {
    if told.events.is_empty() {
        return Ok(std::ops::ControlFlow::Continue(()));
    }
    let lines = match context.prints_json() {
        true => to_string(told).expect("messages have JSON") + "\n",
        false => told.events.iter().map(|event| line(told.lsn, event)).collect(),
    };
    let mut out = anstream::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(std::ops::ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(std::ops::ControlFlow::Break(())),
        Err(source) => Err(cannot_write(source)),
    }
}

fn cannot_write(source: io::Error) -> Error {
    Error::Local { tried: "write to standard output".to_owned(), source }
}

/// `      42  11-21 10:02:03  captured        0199…  demo-cafe  CNY 100.00, HKD 119.11  partially captured`.
fn line(lsn: u64, event: &PaymentEvent) -> String {
    use wire::v1::PaymentEventKind as Kind;

    let payment = event.payment.clone().unwrap_or_default();
    let style = if event.kind() == Kind::Declined { BAD } else { STRONG };
    let what = paint(style, format!("{:WHAT_WIDTH$}", words::event_kind(event.kind())));
    let time = payment.update_time.as_ref().or(payment.create_time.as_ref()).map(|time| time.seconds);
    let time = paint(FAINT, words::short_time(time));
    let about = match (&event.refund, event.kind()) {
        (Some(refund), _) => {
            let debit =
                refund.debit_amount.as_ref().map(|debit| format!(", {} to the payer", words::amount(Some(debit))));
            let debit = debit.unwrap_or_default();
            format!("{}{debit}, refund {}", words::amount(refund.presentment_amount.as_ref()), refund.refund_id)
        }
        (None, Kind::Declined) => {
            let reason = words::decline(payment.decline_reason(), &payment.paid_by_payment_id);
            format!("{}: {reason}", words::amount(payment.presentment_amount.as_ref()))
        }
        (None, _) => positions(&payment),
    };
    format!("{lsn:>8}  {time}  {what}  {}  {}  {about}\n", payment.payment_id, payment.merchant_id)
}

/// `CNY 60.00 of 100.00 captured, HKD 47.64 held`.
fn positions(payment: &wire::v1::Payment) -> String {
    let presentment = |amount: &Option<wire::v1::PaymentAmount>| amount.as_ref().and_then(|a| a.presentment.clone());
    let authorized = presentment(&payment.authorized).or_else(|| payment.presentment_amount.clone());
    let captured = presentment(&payment.captured);
    let part = match (&captured, &authorized) {
        (Some(captured), Some(_)) if captured.minor_units > 0 && Some(captured) != authorized.as_ref() => {
            format!("{} of {} captured", words::amount(Some(captured)), words::bare_amount(authorized.as_ref()))
        }
        _ => words::amount(authorized.as_ref()),
    };
    match payment.held_amount.as_ref().filter(|held| held.minor_units > 0) {
        Some(held) => format!("{part}, {} held", words::amount(Some(held))),
        None => part,
    }
}

#[cfg(test)]
mod tests {
    use wire::v1::{DeclineReason, Money, Payment, PaymentAmount, PaymentEventKind, Refund};

    use super::*;
    use crate::render::plain;

    fn money(currency_code: &str, minor_units: i64) -> Option<Money> {
        Some(Money { currency_code: currency_code.to_owned(), minor_units })
    }

    fn payment() -> Payment {
        let amount =
            |minor_units| Some(PaymentAmount { presentment: money("CNY", minor_units), ..PaymentAmount::default() });
        Payment {
            payment_id: "p1".into(),
            merchant_id: "demo-cafe".into(),
            presentment_amount: money("CNY", 10_000),
            authorized: amount(10_000),
            captured: amount(6_000),
            held_amount: money("HKD", 4_764),
            decline_reason: DeclineReason::AccountFrozen.into(),
            ..Payment::default()
        }
    }

    fn shown(kind: PaymentEventKind, refund: Option<Refund>) -> String {
        let event = PaymentEvent { kind: kind.into(), payment: Some(payment()), refund };
        plain(line(42, &event))
    }

    #[test]
    fn an_event_is_a_line() {
        let captured = "      42  -  captured        p1  demo-cafe  CNY 60.00 of 100.00 captured, HKD 47.64 held\n";
        assert_eq!(shown(PaymentEventKind::Captured, None), captured);
        let mut held = payment();
        held.captured = Some(PaymentAmount { presentment: money("CNY", 0), ..PaymentAmount::default() });
        assert_eq!(positions(&held), "CNY 100.00, HKD 47.64 held");
        let declined = "      42  -  declined        p1  demo-cafe  CNY 100.00: the account is frozen\n";
        assert_eq!(shown(PaymentEventKind::Declined, None), declined);
        let refund = Refund {
            refund_id: "r1".into(),
            presentment_amount: money("CNY", 4_000),
            debit_amount: money("HKD", 4_764),
            ..Refund::default()
        };
        let refunded = "      42  -  refunded        p1  demo-cafe  CNY 40.00, HKD 47.64 to the payer, refund r1\n";
        assert_eq!(shown(PaymentEventKind::Refunded, Some(refund)), refunded);
    }
}
