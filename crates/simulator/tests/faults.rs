//! Faults planted on purpose: an auditor that finds nothing must be one that could.

use std::sync::Arc;

use domain::{CaptureMode, CaptureRest, ChainMark, Command, Event, Label, Lsn, Policy, RefundFunding, RefundRate};
use journal::{Error, FileJournal, Fold, Journal, Options, Progress, RecordRef, Recovered, disk::MemoryDisk};
use money::Money;
use simulator::{Failure, OpenJournal, run};

const SEEDS: u64 = 20;
const STEPS: u64 = 120;
/// Some rules are seldom what decides.
const TAMPERED_SEEDS: u64 = 240;

/// The first finding among some seeds.
fn found(opener: &impl OpenJournal) -> Failure {
    let finding = (1..=SEEDS).find_map(|seed| run(seed, STEPS, opener).err());
    finding.expect("a planted fault is found within a few seeds")
}

/// A journal that calls durable what it has only taken.
#[derive(Debug)]
struct Liar(FileJournal<MemoryDisk>);

struct OpensLiar;

impl OpenJournal for OpensLiar {
    type Journal = Liar;

    fn open(&self, disk: MemoryDisk, options: Options, fold: &mut Fold<'_>) -> Result<(Liar, Recovered), Error> {
        let (journal, recovered) = FileJournal::open(disk, options, fold)?;
        Ok((Liar(journal), recovered))
    }
}

impl Journal for Liar {
    type Reader = journal::FileReader<MemoryDisk>;

    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error> {
        self.0.append(lsn, record)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.0.flush()
    }

    fn poll(&mut self) -> Progress {
        Progress::Durable(self.0.last_lsn())
    }

    fn record_bytes_max(&self) -> usize {
        self.0.record_bytes_max()
    }

    fn last_lsn(&self) -> Lsn {
        self.0.last_lsn()
    }

    fn durable_lsn(&self) -> Lsn {
        self.0.last_lsn()
    }

    fn chain(&self) -> Option<ChainMark> {
        None
    }

    fn reader(&self, from: Lsn) -> Result<Self::Reader, Error> {
        self.0.reader(from)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.0.close()
    }
}

#[test]
fn a_journal_that_says_durable_before_it_syncs_is_found() {
    let failure = found(&OpensLiar);
    assert!(failure.what.contains("was durable, after the crash the log ends at"), "{failure}");
}

/// A recovery that shows other records than were written.
struct Rewrites<F>(F);

impl<F: Fn(&mut domain::Record) -> bool> OpenJournal for Rewrites<F> {
    type Journal = FileJournal<MemoryDisk>;

    fn open(
        &self,
        disk: MemoryDisk,
        options: Options,
        fold: &mut Fold<'_>,
    ) -> Result<(Self::Journal, Recovered), Error> {
        let mut rewritten = |stored: RecordRef<'_>| {
            let mut record = wire::journal::decode(stored.bytes)?;
            if !(self.0)(&mut record) {
                return fold(stored);
            }
            let mut bytes = Vec::new();
            wire::journal::encode(&record, &mut bytes);
            fold(RecordRef { bytes: &bytes, ..stored })
        };
        FileJournal::open(disk, options, &mut rewritten)
    }
}

#[test]
fn a_recovery_that_forgets_keys_is_found() {
    let failure = found(&Rewrites(|record: &mut domain::Record| record.key.take().is_some()));
    assert!(failure.what.contains("has changed"), "{failure}");
}

/// Balanced, decodable and harmless to every balance: nothing but a second opinion can see it.
#[test]
fn a_recovery_that_changes_the_reason_of_a_decline_is_found() {
    let failure = found(&Rewrites(|record: &mut domain::Record| {
        let Event::Declined(decline) = &mut record.event else { return false };
        decline.reason = domain::DeclineReason::QuoteNotReproduced;
        true
    }));
    assert!(failure.what.contains("has changed"), "{failure}");
}

/// A journal that takes a failed write or sync for a success, and goes on.
#[derive(Debug)]
struct Stubborn {
    journal: FileJournal<MemoryDisk>,
    last_lsn: Lsn,
    confirmed: Lsn,
}

struct OpensStubborn;

impl OpenJournal for OpensStubborn {
    type Journal = Stubborn;

    fn open(&self, disk: MemoryDisk, options: Options, fold: &mut Fold<'_>) -> Result<(Stubborn, Recovered), Error> {
        let (journal, recovered) = FileJournal::open(disk, options, fold)?;
        let last_lsn = journal.last_lsn();
        Ok((Stubborn { journal, last_lsn, confirmed: last_lsn }, recovered))
    }
}

impl Journal for Stubborn {
    type Reader = journal::FileReader<MemoryDisk>;

    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error> {
        let _failed_before = self.journal.append(lsn, record);
        self.last_lsn = lsn;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let _failed_before = self.journal.flush();
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        // What a second sync would say: the kernel has forgotten what it could not write.
        let _failed = self.journal.poll();
        self.confirmed = self.last_lsn;
        Progress::Durable(self.confirmed)
    }

    fn record_bytes_max(&self) -> usize {
        self.journal.record_bytes_max()
    }

    fn last_lsn(&self) -> Lsn {
        self.last_lsn
    }

    fn durable_lsn(&self) -> Lsn {
        self.confirmed
    }

    fn chain(&self) -> Option<ChainMark> {
        None
    }

    fn reader(&self, from: Lsn) -> Result<Self::Reader, Error> {
        self.journal.reader(from)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.journal.close()
    }
}

#[test]
fn a_journal_that_goes_on_after_a_failed_sync_is_found() {
    let failure = found(&OpensStubborn);
    assert!(failure.what.contains("was durable, after the crash the log ends at"), "{failure}");
}

/// An engine with other rules: it is asked something else than the auditor was shown.
struct Tampers<F>(F);

impl<F: Fn(&mut Command)> OpenJournal for Tampers<F> {
    type Journal = FileJournal<MemoryDisk>;

    fn open(
        &self,
        disk: MemoryDisk,
        options: Options,
        fold: &mut Fold<'_>,
    ) -> Result<(Self::Journal, Recovered), Error> {
        FileJournal::open(disk, options, fold)
    }

    fn tamper(&self, command: &mut Command) {
        (self.0)(command);
    }
}

/// What it takes to notice: the first finding is a record or an answer that is not the expected one.
fn check_tampered(fault: &str, tamper: impl Fn(&mut Command)) {
    let failure = (1..=TAMPERED_SEEDS).find_map(|seed| run(seed, STEPS, &Tampers(&tamper)).err());
    let failure = failure.unwrap_or_else(|| panic!("{fault}: not found in {TAMPERED_SEEDS} seeds"));
    let noticed = [
        "the stages attached",
        "offered ",
        "record: expected",
        "told ",
        "nothing durable where",
        "a record nobody asked for",
    ];
    assert!(noticed.iter().any(|what| failure.what.contains(what)), "{fault}: {failure}");
}

/// Rules in force that are not those installed.
fn check_rules(fault: &str, change: impl Fn(&mut Policy)) {
    check_tampered(fault, |command| {
        if let Command::InstallPolicy(install) = command {
            change(Arc::make_mut(&mut install.policy));
        }
    });
}

#[test]
fn holds_refunds_and_fees_by_other_rules_are_found() {
    check_rules("holds live longer", |policy| policy.merchant_default.hold_ms += 1);
    check_rules("refunds are given at the original rate", |policy| {
        policy.merchants.values_mut().for_each(|rules| rules.refund_rate = RefundRate::Original);
    });
    check_rules("refunds are given at the rate of now", |policy| {
        policy.merchant_default.refund_rate = RefundRate::Current;
    });
    check_rules("reserves may be drawn on", |policy| {
        policy.merchants.values_mut().for_each(|rules| rules.refund_funding = RefundFunding::Reserve);
        policy.merchant_default.refund_funding = RefundFunding::Reserve;
    });
    check_rules("the rules of a rail are left out", |policy| policy.rails.clear());
    check_rules("days begin at another hour", |policy| policy.day_offset_minutes += 720);
}

#[test]
fn rates_and_margins_by_other_rules_are_found() {
    check_rules("no tiers", |policy| policy.tiers.clear());
    check_rules("no rules of pairs", |policy| policy.pairs.clear());
    check_rules("no pivot", |policy| policy.pivot = None);
    check_rules("no margin for a volatile market", |policy| policy.volatility.clear());
    check_rules("rates live longer", |policy| policy.rate_age_ms_max += 30_000);
}

#[test]
fn exposure_by_other_rules_is_found() {
    check_rules("no limits", |policy| policy.exposure.clear());
    check_rules("soft limits are as hard as hard ones", |policy| {
        policy.exposure.values_mut().for_each(|limit| limit.soft = limit.hard);
    });
}

#[test]
fn captures_and_refunds_of_something_else_are_found() {
    check_tampered("the rest is released", |command| {
        if let Command::CapturePayment(capture) = command {
            capture.rest = CaptureRest::Released;
        }
    });
    check_tampered("captured at once", |command| {
        if let Command::AuthorizePayment(authorize) = command {
            authorize.capture_mode = CaptureMode::Automatic;
        }
    });
    check_tampered("merchants refund what another captured", |command| {
        if let Command::RefundPayment(refund) = command {
            refund.merchant.0 = 0;
        }
    });
    check_tampered("the band never holds", |command| {
        if let Command::PublishRates(publish) = command {
            publish.override_reason = Some(Label::new("because").expect("a label"));
        }
    });
}

/// By a payment or two, where there is room.
fn larger(bound: Money) -> Money {
    let units = bound.minor_units();
    Money::new(bound.currency(), if units < 1_000_000 { units + 20_000 } else { units })
}

#[test]
fn consents_that_are_not_kept_are_found() {
    check_tampered("bounds of callers are not looked at", |command| {
        if let Command::AuthorizePayment(authorize) = command {
            authorize.debit_amount_max = None;
        }
    });
    check_tampered("codes allow more", |command| {
        if let Command::IssueCode(issue) = command {
            issue.debit_amount_max = larger(issue.debit_amount_max);
        }
    });
    check_tampered("approvals last longer", |command| {
        if let Command::ApproveOrder(approve) = command {
            approve.expires_at = approve.expires_at.plus_millis(120_000);
        }
    });
    check_tampered("mandates have no periods", |command| {
        if let Command::GrantMandate(grant) = command {
            grant.period_debit_max = larger(grant.period_debit_max);
        }
    });
    check_tampered("quotes are for anybody", |command| {
        if let Command::AuthorizePayment(authorize) = command
            && let Some(offer) = &mut authorize.offer
        {
            offer.merchant = authorize.merchant;
            offer.presentment_amount = authorize.presentment_amount;
        }
    });
}
