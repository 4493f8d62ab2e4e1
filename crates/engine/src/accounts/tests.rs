use alloc::format;

use domain::{Digest, RegisterWallet};

use super::*;

fn parties() -> Parties {
    let mut parties = Parties::default();
    for (number, name) in [(0, "north"), (1, "south")] {
        let register = RegisterWallet { name: Name::new(name).unwrap() };
        parties.wallet_registered(&register, WalletId(number));
    }
    parties
}

/// The account of this number: each name is in both wallets.
fn opening(number: u32) -> OpenAccount {
    let name = Name::new(&format!("account-{}", number / 2)).unwrap();
    let currency = if number.is_multiple_of(3) { Currency::HKD } else { Currency::JPY };
    OpenAccount { wallet: WalletId(number % 2), name, currency }
}

fn accounts(key: u8, count: u32) -> Accounts {
    let mut accounts = Accounts::default();
    accounts.begin(DigestKey { id: 1, check: Digest([key; DIGEST_BYTES]) });
    let parties = parties();
    for number in 0..count {
        let open = opening(number);
        let account = accounts.open(&parties, &open).unwrap();
        assert_eq!((account.index, account.currency), (number, open.currency));
        accounts.opened(&open, account);
    }
    accounts
}

#[test]
fn a_name_is_taken_once_in_its_wallet_however_many_there_are() {
    let (accounts, parties) = (accounts(7, 2_000), parties());
    assert!((0..2_000).all(|number| accounts.open(&parties, &opening(number)) == Err(Refusal::AccountExists)));
    assert!(accounts.open(&parties, &opening(2_000)).is_ok());
    let nobodys = OpenAccount { wallet: WalletId(2), ..opening(0) };
    assert_eq!(accounts.open(&parties, &nobodys), Err(Refusal::WalletNotFound));
}

#[test]
fn an_account_is_found_by_all_of_its_id() {
    let accounts = accounts(7, 300);
    for (number, (name, row)) in (0..).zip(accounts.iter()) {
        let OpenAccount { wallet, name: expected, currency } = opening(number);
        let id = AccountId { kind: AccountKind::Wallet, currency, index: number };
        assert_eq!((row.id, row.wallet, name), (id, wallet, expected));
        assert_eq!(accounts.find(&Evidence::Present(id)).map(|row| row.id), Ok(id));
        for other in [
            AccountId { currency: Currency::CNY, ..id },
            AccountId { kind: AccountKind::MerchantPayable, ..id },
            AccountId { index: number + 300, ..id },
        ] {
            assert!(accounts.find(&Evidence::Present(other)).is_err() && !accounts.has(other));
        }
    }
}

#[test]
fn no_key_reaches_what_stands() {
    let (one, other) = (accounts(1, 600), accounts(2, 600));
    assert!(one.standing().eq(other.standing()));
    let mut again = Accounts::default();
    for account in one.standing() {
        assert!(again.stand(account.clone()));
        assert!(!again.stand(account), "an account stands once");
    }
    assert!(again.standing().eq(one.standing()));
}
