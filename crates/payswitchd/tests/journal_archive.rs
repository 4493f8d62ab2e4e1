//! Old segments of a ledger go into an archive and come back: `payctl journal archive` and `restore`.

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use support::parties::{SMALL_SEGMENTS, Sandbox, decided, money, payment, stop};
use wire::v1;

/// Enough for several segments.
const PAYMENTS: u64 = 900;
/// After so many there is something in the log.
const LOGGED_AFTER: u64 = 400;
/// As often as that.
const SNAPSHOTS_OFTEN: (&str, &str) = ("PAYSWITCHD__SNAPSHOTS__EVERY_RECORDS", "300");

/// What was printed, on which stream, and how it ended.
struct Told {
    exit: i32,
    out: String,
    error: String,
}

fn tool(subcommand: &str, places: &[&Path], options: &[&str]) -> Told {
    let mut command = Command::new(support::payctl());
    command.args(["journal", subcommand]).args(places).args(options);
    let output = command.output().expect("payctl runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Told {
        exit: output.status.code().expect("it ends by itself"),
        out: text(output.stdout),
        error: text(output.stderr),
    }
}

#[track_caller]
fn json(subcommand: &str, places: &[&Path], options: &[&str]) -> Value {
    let told = tool(subcommand, places, &[options, &["--json"]].concat());
    assert_eq!(told.exit, 0, "{subcommand}: {}{}", told.out, told.error);
    serde_json::from_str(&told.out).expect("it prints JSON")
}

fn pay(number: u64) -> v1::AuthorizeRequest {
    payment(&format!("key-{number}"), &format!("order-{number}"), "hk-alice", money("CNY", 100))
}

/// A stopped sandbox with several segments, and the payments in it.
struct Ledger {
    place: tempfile::TempDir,
    data_dir: tempfile::TempDir,
    paid: Vec<v1::Payment>,
}

impl Ledger {
    async fn new() -> Self {
        Self::with(&[], &[]).await
    }

    /// One of whose daemon each of these was logged while payments were made.
    async fn with(environment: &[(&'static str, &'static str)], logged: &[&str]) -> Self {
        let sandbox = Sandbox::with(environment);
        let mut paid = Vec::new();
        let mut logged = logged.iter();
        for number in 0..PAYMENTS {
            paid.push(decided(sandbox.cafe.authorize(pay(number)).await));
            if number % LOGGED_AFTER == LOGGED_AFTER - 1
                && let Some(words) = logged.next()
            {
                sandbox.daemon.logged(words).await;
            }
        }
        let Sandbox { daemon, data_dir, .. } = sandbox;
        assert!(stop(daemon).await.success());
        Self { place: tempfile::tempdir().expect("a temporary directory"), data_dir, paid }
    }

    fn directory(&self) -> &Path {
        self.data_dir.path()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn last_lsn(&self) -> u64 {
        self.paid.last().expect("there are payments").lsn
    }
}

fn archived_files(archive: &Path) -> Vec<PathBuf> {
    let files =
        fs::read_dir(archive).expect("the archive is a directory").map(|entry| entry.expect("it is read").path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_ledger_is_archived_and_restored_to_the_last_bit() {
    let ledger = Ledger::new().await;
    let (directory, archive) = (ledger.directory(), ledger.at("archive"));
    let up_to = ledger.last_lsn().to_string();
    let before = json("verify", &[directory], &[]);
    let digest = json("replay", &[directory], &[])["stateDigest"].clone();
    assert_eq!(before["firstLsn"], 1);

    let archived = json("archive", &[directory, &archive], &["--up-to", &up_to]);
    let segments = archived["segments"].as_u64().expect("a number");
    assert!(segments >= 2, "{archived:#}");
    assert_eq!((&archived["firstLsn"], &archived["archive"]["segments"]), (&1.into(), &segments.into()));
    assert_eq!(archived_files(&archive).len() as u64, segments);
    let again = json("archive", &[directory, &archive], &["--up-to", &up_to]);
    assert_eq!((&again["segments"], &again["archive"]), (&0.into(), &archived["archive"]));

    let (whole, earlier) = (ledger.at("whole"), ledger.at("earlier"));
    let told = tool("restore", &[&archive, &whole], &["--journal", directory.to_str().expect("the path is text")]);
    assert_eq!(told.exit, 0, "{}", told.error);
    assert!(told.out.contains(&format!("from archive  {segments} segments")), "{}", told.out);
    let after = json("verify", &[&whole], &[]);
    assert_eq!(after, before, "the same journal");
    assert_eq!(json("replay", &[&whole], &[])["stateDigest"], digest);
    assert_eq!(json("audit", &[&whole], &[])["broken"], Value::Null);

    let daemon = support::Daemon::start(&whole, &[], &[SMALL_SEGMENTS]);
    let key = client::sandbox::merchant_key("demo-cafe").expect("the sandbox has this merchant");
    let cafe = support::parties::caller(&daemon.merchants, key);
    for (number, payment) in (0..).zip(&ledger.paid).step_by(50) {
        assert_eq!(&decided(cafe.authorize(pay(number)).await), payment, "what was recorded is told");
    }
    let next = decided(cafe.authorize(pay(PAYMENTS)).await);
    assert!(next.lsn > ledger.last_lsn(), "it goes on from there");
    drop(daemon);

    // Of the archive alone, and then of that as it was: a moment in the past.
    let (old, lsn) = (ledger.at("old"), ledger.paid[20].lsn);
    let restored = json("restore", &[&archive, &old], &[]);
    assert_eq!((&restored["lastLsn"], &restored["journalSegments"]), (&archived["lastLsn"], &0.into()));
    let copied = json("copy", &[&old, &earlier], &["--to-lsn", &lsn.to_string()]);
    assert_eq!(copied["lastLsn"], lsn);
    assert_eq!(tool("restore", &[&archive, &old], &[]).exit, 2, "nothing is written over");
}

#[tokio::test]
async fn a_journal_that_begins_later_says_so_and_asks_for_its_beginning() {
    let ledger = Ledger::new().await;
    let (directory, archive) = (ledger.directory(), ledger.at("archive"));
    let archived = json("archive", &[directory, &archive], &["--up-to", &ledger.last_lsn().to_string()]);
    let first = archived["lastLsn"].as_u64().expect("a number") + 1;
    let begins = format!("at lsn {first}");

    assert_eq!(json("verify", &[directory], &[])["firstLsn"], first);
    assert_eq!(json("stat", &[directory], &[])["firstLsn"], first);
    for subcommand in ["verify", "stat"] {
        let told = tool(subcommand, &[directory], &[]);
        assert!(told.exit == 0 && told.out.contains(&begins), "{subcommand}: {}", told.out);
    }
    let dumped = tool("dump", &[directory], &["--limit", "2"]);
    assert!(dumped.exit == 0 && dumped.error.contains(&begins), "{}", dumped.error);
    assert!(
        dumped.out.lines().count() == 2 && dumped.out.trim_start().starts_with(&first.to_string()),
        "{}",
        dumped.out
    );

    let paid = &ledger.paid[3].payment_id;
    for (subcommand, options) in [("audit", &[][..]), ("replay", &[]), ("explain", &[&**paid])] {
        let told = tool(subcommand, &[directory], options);
        assert_eq!(told.exit, 2, "{subcommand}: {}{}", told.out, told.error);
        assert!(told.error.contains(&begins) && told.error.contains("restore them from the archive"), "{}", told.error);
    }
    let (exit, said) = support::refusal(directory, &[], &[SMALL_SEGMENTS]);
    assert!(exit != 0 && said.contains("earlier segments were archived"), "{exit}: {said}");
}

/// A daemon archives by itself; beside it nobody takes away what it may still read.
#[tokio::test]
async fn the_journal_of_a_running_daemon_is_left_alone() {
    let ledger = Ledger::new().await;
    let (directory, archive) = (ledger.directory(), ledger.at("archive"));
    let own = directory.join("journal");
    let link = ledger.at("link");
    fs::rename(&own, &link).expect("the journal");
    std::os::unix::fs::symlink(&link, &own).expect("a link");
    let daemon = support::Daemon::start(directory, &[], &[SMALL_SEGMENTS]);
    let owner = format!("is in use by a daemon (process {})", daemon.pid());
    for (place, words) in [(directory, &*owner), (&own, "is in use by a daemon"), (&link, "is in use by a daemon")] {
        let told = tool("archive", &[place, &archive], &["--up-to", &ledger.last_lsn().to_string()]);
        assert!(told.exit == 2 && told.error.contains(words), "{}: {}", told.exit, told.error);
    }
    assert!(stop(daemon).await.success());
    assert_eq!(json("verify", &[directory], &[])["firstLsn"], 1);
}

#[tokio::test]
async fn what_a_start_from_the_older_snapshot_needs_stays() {
    let ledger = Ledger::with(&[SNAPSHOTS_OFTEN], &["made a snapshot"; 2]).await;
    let (directory, archive) = (ledger.directory(), ledger.at("archive"));
    let last = ledger.last_lsn();
    let snapshot = |lsn: u64| directory.join(format!("snapshots/{lsn:020}.snapshot"));
    let made = archived_files(&directory.join("snapshots"));
    let older: u64 = made[0].file_stem().and_then(|name| name.to_str()?.parse().ok()).expect("a position");
    // Their names are not believed, nor are they without an index.
    for (no, snapshot) in
        [(older - 1, ""), (older + 1, "none"), (last + 9, "none")].map(|(lsn, text)| (text, snapshot(lsn)))
    {
        fs::write(snapshot, no).expect("a file is made");
    }
    let archived = json("archive", &[directory, &archive], &["--up-to", &last.to_string()]);
    assert_eq!((&archived["upTo"], &archived["snapshotLsn"]), (&older.into(), &older.into()), "the last two are kept");
    assert!(archived["segments"].as_u64() > Some(0) && archived["lastLsn"].as_u64() < Some(older), "{archived:#}");
    let told = tool("archive", &[directory, &archive], &["--up-to", &last.to_string()]);
    assert!(told.exit == 0 && told.out.contains(&format!("from lsn {older}: a start may begin")), "{}", told.out);
    let told = tool("archive", &[directory, &archive], &["--up-to", &(older - 1).to_string()]);
    assert!(told.exit == 0 && !told.out.contains("kept"), "{}", told.out);

    let journal = fs::read_dir(directory.join("journal")).expect("the journal").count();
    fs::rename(directory.join("index"), ledger.at("index")).expect("the index");
    let told = tool("archive", &[directory, &archive], &["--up-to", &last.to_string()]);
    assert!(told.exit == 0 && told.out.contains("none of use: a daemon starts on what is left only"), "{}", told.out);
    assert!(fs::read_dir(directory.join("journal")).expect("the journal").count() < journal);
}

/// An archive that is lost, or not mounted, is not begun again as if nothing had been before.
#[tokio::test]
async fn an_archive_that_does_not_reach_the_journal_is_told() {
    let archive = tempfile::tempdir().expect("a temporary directory");
    let path = archive.path().to_str().expect("the path is text").to_owned().leak();
    let often = [SNAPSHOTS_OFTEN, ("PAYSWITCHD__ARCHIVE__DIRECTORY", &*path)];
    let ledger = Ledger::with(&often, &["made a snapshot", "archived segments"]).await;
    let directory = ledger.directory();
    assert!(!archived_files(archive.path()).is_empty(), "segments were archived");
    let mode = |place: &Path| fs::metadata(place).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory.join("snapshots")), 0o700);

    for file in archived_files(archive.path()) {
        fs::remove_file(file).expect("it is removed");
    }
    // Without an index nothing is kept for a start.
    let (index, aside) = (directory.join("index"), ledger.at("index"));
    fs::rename(&index, &aside).expect("the index");
    let told = tool("archive", &[directory, archive.path()], &["--up-to", &ledger.last_lsn().to_string()]);
    fs::rename(&aside, &index).expect("the index");
    assert!(told.exit == 4 && told.error.contains("are missing before"), "{}: {}", told.exit, told.error);
    let daemon = support::Daemon::start(directory, &[], &[&[SMALL_SEGMENTS], &often[..]].concat());
    daemon.logged("does not reach the journal").await;
    assert!(stop(daemon).await.success());
    assert!(archived_files(archive.path()).is_empty());

    // What was not made is not left behind.
    let told = tool("restore", &[archive.path(), &ledger.at("none")], &[]);
    assert!(told.exit != 0 && !ledger.at("none").exists(), "{}", told.out);
}

#[tokio::test]
async fn a_restoration_of_an_archive_without_its_oldest_files_says_where_it_begins() {
    let ledger = Ledger::new().await;
    let (directory, archive) = (ledger.directory(), ledger.at("archive"));
    let (alone, moved) = (ledger.at("alone"), ledger.at("moved"));
    fs::rename(directory.join("journal"), &alone).expect("it is moved");
    let told = tool("archive", &[&alone, &archive], &["--up-to", &ledger.last_lsn().to_string()]);
    assert!(told.exit == 0 && told.out.contains("unknown: the journal lies in no data directory"), "{}", told.out);
    let told = tool("restore", &[&archive, &moved], &[]);
    assert!(told.exit == 0 && told.out.starts_with("whole\n"), "{}", told.out);

    fs::remove_file(&archived_files(&archive)[0]).expect("it is removed");
    let told = tool("restore", &[&archive, &ledger.at("later")], &[]);
    let first = json("verify", &[&ledger.at("later")], &[])["firstLsn"].clone();
    assert!(first.as_u64() > Some(1), "{first}");
    let begins = format!("restored from lsn {first} on: what was before is not in the archive\n");
    assert!(told.exit == 0 && told.out.starts_with(&begins), "{}", told.out);
}

#[tokio::test]
async fn a_damaged_or_missing_file_of_an_archive_is_told() {
    let ledger = Ledger::new().await;
    let (directory, archive) = (ledger.directory(), ledger.at("archive"));
    json("archive", &[directory, &archive], &["--up-to", &ledger.last_lsn().to_string()]);
    let journal = ["--journal", directory.to_str().expect("the path is text")];
    let files = archived_files(&archive);
    let last = files.last().expect("there are files");
    let bytes = fs::read(last).expect("it is read");

    // A journal that is not the one that was archived, and ends before the archive does.
    let other = Sandbox::with(&[SMALL_SEGMENTS]);
    let of_another = ["--journal", other.data_dir.path().to_str().expect("the path is text")];
    let told = tool("restore", &[&archive, &ledger.at("another")], &of_another);
    assert!(told.exit == 4 && told.error.contains("holds another history"), "{}", told.error);

    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    fs::write(last, damaged).expect("it is written");
    let told = tool("restore", &[&archive, &ledger.at("damaged")], &journal);
    assert!(told.exit == 4 && told.error.contains("is damaged"), "{}", told.error);

    fs::remove_file(last).expect("it is removed");
    let told = tool("restore", &[&archive, &ledger.at("missing")], &journal);
    assert!(told.exit == 4 && told.error.contains("the records from lsn"), "{}", told.error);
    let empty = ledger.at("empty");
    fs::create_dir(&empty).expect("a directory");
    let none = tool("restore", &[&empty, &ledger.at("none")], &journal);
    assert!(none.exit == 2 && none.error.contains("holds no archived segment"), "{}", none.error);
    let told = tool("archive", &[directory, &archive], &["--up-to", "1", "--json"]);
    assert_eq!(told.exit, 0, "{}", told.error);
}
