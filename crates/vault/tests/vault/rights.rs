//! Who may read the file, and who has it open.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use vault::Error;

use crate::home::{Home, TEST_CARDS, key};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn all_files_are_the_owners_alone() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..1]);
    let (mut vault, _) = home.open(&[1]).unwrap();
    vault.rotate(key(2)).unwrap();
    let entries = fs::read_dir(home.directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut names = Vec::new();
    for path in entries {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["vault", "vault.lock"]);
}

#[test]
fn a_file_or_directory_that_is_open_to_others_is_refused() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..1]);
    for (path, modes) in
        [(&*home.path, [0o640, 0o604, 0o620, 0o601]), (home.directory.path(), [0o750, 0o701, 0o770, 0o777])]
    {
        let before = mode(path);
        for wide in modes {
            fs::set_permissions(path, Permissions::from_mode(wide)).unwrap();
            let error = home.open(&[1]).unwrap_err();
            assert!(
                matches!(&error, Error::OpenToOthers { path: named, mode } if named == path && *mode == wide),
                "{error}"
            );
        }
        fs::set_permissions(path, Permissions::from_mode(before)).unwrap();
    }
    assert!(home.open(&[1]).is_ok());
}

#[test]
fn nothing_is_made_in_a_directory_that_is_open_to_others() {
    let home = Home::new();
    fs::set_permissions(home.directory.path(), Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(home.open(&[1]), Err(Error::OpenToOthers { mode: 0o755, .. })));
    assert_eq!(fs::read_dir(home.directory.path()).unwrap().count(), 0);
}

#[test]
fn a_vault_is_open_once() {
    let home = Home::new();
    let (mut vault, _) = home.open(&[1]).unwrap();
    assert!(matches!(home.open(&[1]), Err(Error::InUse { .. })));
    vault.rotate(key(2)).unwrap();
    assert!(matches!(home.open(&[2]), Err(Error::InUse { .. })));
    drop(vault);
    assert!(home.open(&[2]).is_ok());
}

#[test]
fn what_is_no_vault_is_refused_and_kept() {
    let home = Home::new();
    for bytes in [vec![b'x'; 256], vec![0; 1_024]] {
        fs::write(&home.path, &bytes).unwrap();
        fs::set_permissions(&home.path, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(home.open(&[1]), Err(Error::NotAVault { .. })));
        assert_eq!(home.bytes(), bytes);
    }
    fs::remove_file(&home.path).unwrap();
    fs::create_dir(&home.path).unwrap();
    assert!(matches!(home.open(&[1]), Err(Error::Io { tried: "open", .. })));
}

#[test]
fn a_link_is_not_followed() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..1]);
    let elsewhere = home.directory.path().join("elsewhere");
    fs::rename(&home.path, &elsewhere).unwrap();
    symlink(&elsewhere, &home.path).unwrap();
    assert!(matches!(home.open(&[1]), Err(Error::Io { tried: "open", .. })));
}
