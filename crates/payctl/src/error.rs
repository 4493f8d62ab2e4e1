//! Why a command was not done, and how that is told.

use std::io;

use cardnet::BooksFileError;
use client::Refusal;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::render::{BAD, FAINT, paint, wrapped};
use crate::words;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A call failed.
    #[error("{error}")]
    Call {
        /// How.
        #[source]
        error: client::Error,
        /// The options that repeat this very request; `None` when it changes nothing, so that any repeat is the same.
        repeat: Option<String>,
    },
    /// What was asked makes no sense; nothing was sent.
    #[error("{0}")]
    Usage(String),
    /// This machine would not do something.
    #[error("cannot {tried}")]
    Local {
        /// What was tried and with what.
        tried: String,
        /// What the system said.
        source: io::Error,
    },
    /// A reply is not what the published messages promise.
    #[error("the reply makes no sense: {0}")]
    Reply(String),
    /// The journal cannot be read or is damaged.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The card network that was to be played does not begin, or cannot write its books.
    #[error(transparent)]
    CardNetwork(#[from] cardnet::Error),
}

/// A call that changes nothing: there is nothing to say about repeating it.
impl From<client::Error> for Error {
    fn from(error: client::Error) -> Self {
        Self::Call { error, repeat: None }
    }
}

impl Error {
    /// How the process should end.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Call { error: client::Error::Refused(_) | client::Error::PlainText { .. }, .. }
            | Self::Usage(_)
            | Self::Local { .. } => Exit::Refused,
            Self::Call { error: client::Error::Unanswered { .. } | client::Error::Unreachable { .. }, .. } => {
                Exit::Unreachable
            }
            Self::Journal(error) => journal_exit(error),
            Self::CardNetwork(error) => card_network_exit(error),
            Self::Reply(_) => Exit::Damaged,
        }
    }

    /// Tells it on standard error.
    pub(crate) fn print(&self, as_json: bool) {
        if as_json {
            anstream::eprintln!("{:#}", self.json());
        } else {
            anstream::eprint!("{}", self.text());
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Call { error: client::Error::Refused(refusal), .. } => refusal_text(refusal),
            Self::Call { error: error @ client::Error::Unanswered { .. }, repeat } => {
                let mut text = format!("{}  {error}\n", paint(BAD, "no answer"));
                if let Some(repeat) = repeat {
                    text +=
                        &format!("  It may have been recorded. To learn the outcome, repeat it with\n    {repeat}\n");
                }
                text
            }
            Self::Call { error: error @ client::Error::Unreachable { .. }, .. } => {
                let why = causes(error);
                let hint = paint(FAINT, "Is payswitchd running there? This request was not sent.");
                format!("{}  {error}{why}\n  {hint}\n", paint(BAD, "unreachable"))
            }
            Self::Call { error: error @ client::Error::PlainText { .. }, .. } => {
                let hint = paint(FAINT, "Bind it where the daemon runs, with --server on a loopback address.");
                format!("{}  {error}\n  {hint}\n", paint(BAD, "error"))
            }
            Self::Journal(_) | Self::CardNetwork(_) | Self::Reply(_) if self.exit() == Exit::Damaged => {
                format!("{}  {self}{}\n", paint(BAD, "damaged"), causes(self))
            }
            Self::Usage(_) | Self::Local { .. } | Self::Journal(_) | Self::CardNetwork(_) | Self::Reply(_) => {
                format!("{}  {self}{}\n", paint(BAD, "error"), causes(self))
            }
        }
    }

    fn json(&self) -> Value {
        let error = match self {
            Self::Call { error: client::Error::Refused(refusal), .. } => refusal_json(refusal),
            Self::Call { error: client::Error::Unanswered { code, reason, message, .. }, repeat } => json!({
                "kind": "unanswered",
                "code": code.as_str(),
                "reason": reason,
                "message": message,
                "repeatWith": repeat,
            }),
            Self::Call { error: error @ client::Error::Unreachable { .. }, .. } => json!({
                "kind": "unreachable", "message": format!("{error}{}", causes(error)),
            }),
            Self::Call { error: client::Error::PlainText { .. }, .. }
            | Self::Usage(_)
            | Self::Local { .. }
            | Self::Journal(_)
            | Self::CardNetwork(_)
            | Self::Reply(_) => json!({
                "kind": if self.exit() == Exit::Damaged { "damaged" } else { "error" },
                "message": format!("{self}{}", causes(self)),
            }),
        };
        json!({ "error": error })
    }
}

/// Damage is damage, and so is what does not fit together; a journal that is missing, unreadable, in an archive or of a newer
/// format is whole for all we know.
fn journal_exit(error: &journal::Error) -> Exit {
    let damaged = matches!(
        error,
        journal::Error::Damaged { .. }
            | journal::Error::Fold { .. }
            | journal::Error::OtherHistory { .. }
            | journal::Error::EndsEarly { .. }
            | journal::Error::RecordsMissing { .. }
    );
    if damaged { Exit::Damaged } else { Exit::Refused }
}

/// Books with something else in them are damaged; what is not to be had on this machine is whole for all we know.
fn card_network_exit(error: &cardnet::Error) -> Exit {
    match error {
        cardnet::Error::Books(BooksFileError::Content { .. }) => Exit::Damaged,
        cardnet::Error::Books(BooksFileError::File { .. })
        | cardnet::Error::Settings(_)
        | cardnet::Error::Listen { .. } => Exit::Refused,
    }
}

fn refusal_text(refusal: &Refusal) -> String {
    let reason = if refusal.reason.is_empty() { String::new() } else { format!(" {}", refusal.reason) };
    let head = format!("{}{reason}", refusal.code.as_str());
    let mut text = format!("{}  {head}\n{}", paint(BAD, "refused"), wrapped(&refusal.message, 2));
    for violation in refusal.field_violations.iter().filter(|violation| violation.description != refusal.message) {
        text += &wrapped(&format!("{}: {}", violation.field, violation.description), 2);
    }
    // That nothing was recorded is said below in words.
    for (name, value) in refusal.metadata.iter().filter(|(name, _)| !matches!(name.as_str(), "outcome" | "speaks_of")) {
        text += &format!("  {}\n", paint(FAINT, format!("{name} = {value}")));
    }
    let retry = match refusal.retry_after {
        Some(delay) => format!("It may succeed when repeated after {}.", words::duration(delay)),
        None => String::new(),
    };
    let recorded = match refusal.speaks_of_this_attempt_only() {
        true => "This attempt recorded nothing; one before it may have: repeat with the same key only.",
        false => "Nothing was recorded.",
    };
    let said = format!("{recorded} {retry}");
    text + &paint(FAINT, wrapped(said.trim_end(), 2))
}

fn refusal_json(refusal: &Refusal) -> Value {
    let violation =
        |violation: &client::FieldViolation| json!({ "field": violation.field, "description": violation.description });
    json!({
        "kind": "refused",
        "code": refusal.code.as_str(),
        "reason": refusal.reason,
        "domain": refusal.domain,
        "message": refusal.message,
        "metadata": refusal.metadata,
        "fieldViolations": refusal.field_violations.iter().map(violation).collect::<Vec<_>>(),
        "retryAfterMs": refusal.retry_after.map(|delay| delay.as_millis()),
    })
}

/// What stands behind an error, each cause once: wrappers that only repeat their cause are left out.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let this = error.to_string();
        if !last.contains(&this) && !this.is_empty() {
            text += &format!(": {this}");
        }
        last = this;
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
