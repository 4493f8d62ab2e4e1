//! `payctl postings`.

use clap::Args;
use wire::v1::{AccountPosting, ListPostingsRequest, ListPostingsResponse};

use crate::commands::name_argument;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, FAINT, Table, paint};
use crate::words;

/// List the postings of an account, oldest first
///
/// One page; when there are more, the command for the next page is printed below it.
#[derive(Debug, Args)]
pub(crate) struct Postings {
    /// The account within the caller's wallet
    #[arg(value_name = "NAME", value_parser = name_argument)]
    account_id: String,
    /// Postings on a page, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    page_size: u32,
    /// Where the page begins, as the page before said
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
}

impl Postings {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = ListPostingsRequest {
            account_id: self.account_id.clone(),
            page_size: self.page_size,
            page_token: self.page_token,
        };
        let reply = context.wallet().list_postings(request).await?;
        context.show(&reply, |reply| text(&self.account_id, reply));
        Ok(Exit::Approved)
    }
}

fn text(account_id: &str, page: &ListPostingsResponse) -> String {
    let Some(first) = page.postings.first() else {
        return format!("  {account_id} has no postings here\n");
    };
    let currency = first.posted_balance.as_ref().map(|money| money.currency_code.clone()).unwrap_or_default();
    let mut table = Table::new([
        ("lsn", Align::Right),
        ("time, UTC", Align::Left),
        (&currency, Align::Right),
        ("balance", Align::Right),
        ("other account", Align::Left),
    ]);
    for posting in &page.postings {
        table.row(row(account_id, posting));
    }
    let mut text = table.to_string();
    if !page.next_page_token.is_empty() {
        let next = format!("  more: payctl postings {account_id} --page-token {}", page.next_page_token);
        text += &format!("{}\n", paint(FAINT, next));
    }
    text
}

/// One posting as this account sees it: what leaves it is negative.
fn row(account_id: &str, line: &AccountPosting) -> [String; 5] {
    let posting = line.posting.clone().unwrap_or_default();
    let leaves = is_wallet_account(&posting.debit_account, account_id);
    let (sign, other) = if leaves { ("-", posting.credit_account) } else { ("", posting.debit_account) };
    [
        line.lsn.to_string(),
        words::short_time(line.create_time.as_ref().map(|time| time.seconds)),
        format!("{sign}{}", words::bare_amount(posting.amount.as_ref())),
        words::bare_amount(line.posted_balance.as_ref()),
        other,
    ]
}

/// Whether `label` names this account in whichever wallet the caller keeps.
fn is_wallet_account(label: &str, account_id: &str) -> bool {
    label
        .strip_prefix("wallet:")
        .and_then(|name| name.split_once('/'))
        .is_some_and(|(_, account)| account == account_id)
}

#[cfg(test)]
mod tests {
    use wire::v1::{Money, Posting};

    use super::*;
    use crate::render::plain;

    fn line(debit: &str, credit: &str, minor_units: i64, balance: i64, lsn: u64) -> AccountPosting {
        let hkd = |minor_units| Some(Money { currency_code: "HKD".into(), minor_units });
        AccountPosting {
            posting: Some(Posting {
                debit_account: debit.into(),
                credit_account: credit.into(),
                amount: hkd(minor_units),
            }),
            posted_balance: hkd(balance),
            lsn,
            ..AccountPosting::default()
        }
    }

    #[test]
    fn what_leaves_the_account_is_negative() {
        let alice = "wallet:demo-wallet/hk-alice";
        let page = ListPostingsResponse {
            postings: vec![
                line("nostro:HKD", alice, 1_000_000, 1_000_000, 9),
                line(alice, "fx_position:HKD", 11_793, 988_207, 42),
            ],
            next_page_token: "t2".into(),
            applied_lsn: 42,
        };
        let expected = concat!(
            "  lsn  time, UTC        HKD    balance  other account\n",
            "    9  -          10,000.00  10,000.00  nostro:HKD\n",
            "   42  -            -117.93   9,882.07  fx_position:HKD\n",
            "  more: payctl postings hk-alice --page-token t2\n",
        );
        assert_eq!(plain(text("hk-alice", &page)), expected);
    }

    #[test]
    fn an_account_without_postings_says_so() {
        assert_eq!(text("cn-chen", &ListPostingsResponse::default()), "  cn-chen has no postings here\n");
    }
}
