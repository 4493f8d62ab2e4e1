//! Whom to call, as whom, and how to show the answer.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use client::{Address, ApiKey, Client, Operator, Options, sandbox};
use jiff::Timestamp;
use serde::Serialize;

use crate::args::Global;
use crate::error::Error;
use crate::words;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    server: Address,
    admin: Address,
    given_key: Option<ApiKey>,
    prints_json: bool,
}

impl Context {
    /// Reads the key the caller gave, if one was given: the key file comes before the environment.
    pub(crate) fn new(global: Global, key_from_environment: Option<String>) -> Result<Self, Error> {
        let given_key = match (&global.key_file, key_from_environment) {
            (Some(path), _) => Some(read_key(path)?),
            (None, Some(text)) => {
                let invalid = |reason| Error::Usage(format!("PAYSWITCH_KEY is not an API key: {reason}"));
                Some(text.parse().map_err(invalid)?)
            }
            (None, None) => None,
        };
        Ok(Self { server: global.server, admin: global.admin, given_key, prints_json: global.json })
    }

    /// Where the daemon listens for merchants and wallets.
    pub(crate) fn server(&self) -> &Address {
        &self.server
    }

    /// Where the daemon listens for its operator.
    pub(crate) fn admin(&self) -> &Address {
        &self.admin
    }

    /// Whether replies are shown as JSON.
    pub(crate) fn prints_json(&self) -> bool {
        self.prints_json
    }

    /// The key to call with as this merchant.
    pub(crate) fn merchant_key(&self, merchant_id: &str) -> Result<ApiKey, Error> {
        let missing = || {
            Error::Usage(format!(
                "no API key for merchant {merchant_id}: give one with --key-file or PAYSWITCH_KEY \
                 (the sandbox's own merchants are {})",
                sandbox::MERCHANT_KEYS.map(|(merchant, _)| merchant).join(", ")
            ))
        };
        self.key_or(sandbox::merchant_key(merchant_id)).ok_or_else(missing)
    }

    /// The keys of several merchants. One key is one merchant's, so only the sandbox's are known then.
    pub(crate) fn merchant_keys(&self, merchant_ids: &[String]) -> Result<Vec<ApiKey>, Error> {
        if merchant_ids.len() > 1 && self.given_key.is_some() {
            return Err(Error::Usage(
                "a key is one merchant's: give one --merchant, or no key in a sandbox".to_owned(),
            ));
        }
        merchant_ids.iter().map(|merchant_id| self.merchant_key(merchant_id)).collect()
    }

    /// The key to call with as a wallet operator.
    pub(crate) fn wallet_key(&self) -> ApiKey {
        self.key_or(Some(sandbox::WALLET_KEY)).expect("there is a default")
    }

    /// Calls as this merchant.
    pub(crate) fn merchant(&self, merchant_id: &str) -> Result<Client, Error> {
        Ok(Client::lazy(&self.server, &self.merchant_key(merchant_id)?, Options::default()))
    }

    /// Reads payments: as this merchant those of its own, without one as the switch's operator those of all.
    pub(crate) fn reader(&self, merchant_id: Option<&str>) -> Result<Client, Error> {
        match merchant_id {
            Some(merchant_id) => self.merchant(merchant_id),
            None => Ok(self.reads_for_operator()),
        }
    }

    /// Calls as a wallet operator.
    pub(crate) fn wallet(&self) -> Client {
        Client::lazy(&self.server, &self.wallet_key(), Options::default())
    }

    /// Calls as the wallet operator that is called so. A key of the caller's own says by itself whose it is.
    pub(crate) fn wallet_named(&self, wallet_id: &str) -> Result<Client, Error> {
        if self.given_key.is_none() && wallet_id != sandbox::WALLET_ID {
            let known = sandbox::WALLET_ID;
            return Err(Error::Usage(format!(
                "no API key for wallet {wallet_id}: give one with --key-file or PAYSWITCH_KEY (the sandbox's own wallet is \
                 {known})"
            )));
        }
        Ok(self.wallet())
    }

    /// Calls as the switch's operator.
    pub(crate) fn operator(&self) -> Operator {
        Operator::lazy(&self.admin, &self.operator_key(), Options::default())
    }

    /// Reads payments and rates where the operator calls.
    pub(crate) fn reads_for_operator(&self) -> Client {
        Client::lazy(&self.admin, &self.operator_key(), Options::default())
    }

    /// What the switch's clock shows, as far as a caller can tell: a sandbox's may stand ahead of this machine's. Each
    /// rate tells of what moment it speaks and how old it was when the answer was made.
    pub(crate) async fn now_of_switch(&self, client: &Client) -> Result<Timestamp, Error> {
        let rates = client.list_rates().await?.rates;
        let told = rates.iter().filter_map(|rate| {
            let as_of = rate.as_of_time.as_ref()?;
            let as_of = Timestamp::new(as_of.seconds, as_of.nanos).ok()?;
            as_of.checked_add(std::time::Duration::from_millis(rate.age_ms)).ok()
        });
        // An age is in whole milliseconds, so the switch's clock seems a little behind; this machine's is taken when it
        // is not.
        Ok(told.chain([words::now()]).max().unwrap_or_else(words::now))
    }

    /// The key to call with as the switch's operator.
    fn operator_key(&self) -> ApiKey {
        self.key_or(Some(sandbox::OPERATOR_KEY)).expect("there is a default")
    }

    /// Calls as the switch's operator with a key of its own, or the sandbox's.
    pub(crate) fn operator_with(&self, key: Option<&ApiKey>) -> Operator {
        let sandbox = || sandbox::OPERATOR_KEY.parse().expect("the sandbox's keys are valid");
        Operator::lazy(&self.admin, &key.cloned().unwrap_or_else(sandbox), Options::default())
    }

    fn key_or(&self, default: Option<&str>) -> Option<ApiKey> {
        let default = || default.map(|key| key.parse().expect("the sandbox's keys are valid"));
        self.given_key.clone().or_else(default)
    }

    /// Shows a reply: as proto3 JSON, or as the text made of it.
    pub(crate) fn show<T: Serialize>(&self, reply: &T, text: impl FnOnce(&T) -> String) {
        let shown = match self.prints_json {
            true => serde_json::to_string_pretty(reply).expect("messages have JSON") + "\n",
            false => text(reply),
        };
        let mut out = anstream::stdout().lock();
        let written = out.write_all(shown.as_bytes()).and_then(|()| out.flush());
        // What was decided is decided; if it cannot be shown there, it is shown here. A reader that has gone wants none.
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            anstream::eprint!("cannot write to standard output: {error}\n{shown}");
        }
    }
}

/// Reads a file with nothing but an API key in it. A key that others can read is no secret: such a file is refused.
pub(crate) fn read_key(path: &Path) -> Result<ApiKey, Error> {
    let local = |source| Error::Local { tried: format!("read the key file {}", path.display()), source };
    let mut file = fs::File::open(path).map_err(local)?;
    let mode = file.metadata().map_err(local)?.permissions().mode();
    if mode & 0o077 != 0 {
        let (path, mode) = (path.display(), mode & 0o777);
        return Err(Error::Usage(format!("{path} is open to others (mode {mode:o}): chmod 600 it")));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(local)?;
    text.parse().map_err(|reason| Error::Usage(format!("{} holds no API key: {reason}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cafe.key");
        fs::write(&path, "key_0123456789\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read_key(&path).unwrap_err().to_string();
        assert!(refused.ends_with("cafe.key is open to others (mode 640): chmod 600 it"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(read_key(&path).is_ok());
    }
}
