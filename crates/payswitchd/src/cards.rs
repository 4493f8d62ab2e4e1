//! Card numbers: where the vault is, under which key it is sealed, and what of it may stay.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use engine::Engine;
use ingress::{CardNumbers, CardVault};
use vault::{KeyEncryptionKey, Vault};

use crate::{
    config::{Config, ModeName, VaultKey},
    keys, sandbox,
    start::StartError,
};

/// Where the vault is, unless the configuration says otherwise: a directory of its own in the data directory, which a backup of
/// the ledger can leave out.
const VAULT: &str = "vault/cards";

/// Opens the vault and compares it with the ledger. A number whose unbinding a crash cut short is destroyed. One that the ledger
/// never heard of is what a crash left of a binding, or the ledger is not the one of this vault: it is destroyed only when that
/// was confirmed.
pub(crate) fn numbers(config: &Config, engine: &Engine) -> Result<CardNumbers, StartError> {
    let keys = match (&config.cards, config.mode) {
        (Some(cards), _) if !cards.vault_keys.is_empty() => {
            cards.vault_keys.iter().map(key_encryption_key).collect::<Result<Vec<_>, _>>()?
        }
        (_, ModeName::Sandbox) => vec![sandbox::vault_key()],
        (_, ModeName::Production) => return Ok(CardNumbers::NoVault),
    };
    let path = vault_path(config);
    let (mut vault, opened) = open(&path, &keys)?;
    let (mut kept, mut destroyed, mut unknown) = (0_usize, 0_usize, 0_usize);
    for token in vault.tokens() {
        match engine.is_bound(token) {
            Some(true) => kept += 1,
            None if !config.destroy_unknown_cards => unknown += 1,
            Some(false) | None => {
                vault.unbind(token).map_err(|source| StartError::Vault { source })?;
                destroyed += 1;
            }
        }
    }
    tracing::info!(cards = opened.cards, destroyed, cut_bytes = opened.cut_bytes, "the card vault is open");
    if unknown > 0 {
        tracing::warn!(
            unknown,
            "the vault has numbers of cards that this ledger never heard of: they are kept. If this is the vault's own ledger, a \
             crash left them, and one start with --destroy-unknown-cards destroys them"
        );
    }
    let missing = engine.bound_cards().saturating_sub(kept);
    if missing > 0 {
        tracing::error!(
            missing,
            "cards are bound whose numbers are not in the vault: they cannot be charged, nor told of to their networks"
        );
    }
    Ok(CardNumbers::Kept(CardVault::new(vault)))
}

/// Seals the vault under another key; no daemon may use it meanwhile.
pub(crate) fn rotate(vault: &Path, old: &VaultKey, new: &VaultKey) -> Result<(), StartError> {
    let failed = |source| StartError::Vault { source };
    if !vault.is_file() {
        return Err(StartError::Config(format!("{}: there is no vault", vault.display())));
    }
    let (mut opened, cards) = Vault::open(vault, &[key_encryption_key(old)?]).map_err(failed)?;
    opened.rotate(key_encryption_key(new)?).map_err(failed)?;
    println!("{} cards are sealed under key {}; key {} opens nothing of them any more", cards.cards, new.id, old.id);
    Ok(())
}

fn vault_path(config: &Config) -> PathBuf {
    let configured = config.cards.as_ref().and_then(|cards| cards.vault.clone());
    configured.unwrap_or_else(|| config.data_dir.join(VAULT))
}

fn open(path: &Path, keys: &[KeyEncryptionKey]) -> Result<(Vault, vault::Opened), StartError> {
    if let Some(directory) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        let cannot = |source| StartError::Directory { tried: "make", path: directory.to_owned(), source };
        made.map_err(cannot)?;
    }
    Vault::open(path, keys).map_err(|source| StartError::Vault { source })
}

fn key_encryption_key(key: &VaultKey) -> Result<KeyEncryptionKey, StartError> {
    Ok(KeyEncryptionKey::new(key.id, keys::read_secret(&key.file)?))
}
