//! `payctl authorize`.

use clap::{Args, ValueEnum};
use wire::v1::CaptureMode;

use crate::commands::pay::OrderArguments;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// Decide a payment, and capture it at once or hold the funds
///
/// Asks as the merchant. Exactly one of --payer, --payer-code, --mandate and
/// --card says who pays and how they agreed. In a fresh sandbox, to charge when
/// the goods are sent:
///
///   payctl authorize --payer hk-alice --merchant demo-cafe \
///     --amount "CNY 100.00" --capture manual
///   payctl capture ID --amount "CNY 60.00"
///   payctl void ID
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Authorize {
    #[command(flatten)]
    order: OrderArguments,
    /// When it is captured
    #[arg(long, value_name = "WHEN", default_value = "automatic")]
    capture: Capture,
}

/// When a payment is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Capture {
    /// At once and whole.
    Automatic,
    /// By `payctl capture`; until then the funds are held.
    Manual,
}

impl Authorize {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let capture_mode = match self.capture {
            Capture::Automatic => CaptureMode::Automatic,
            Capture::Manual => CaptureMode::Manual,
        };
        self.order.authorize(capture_mode, context).await
    }
}
