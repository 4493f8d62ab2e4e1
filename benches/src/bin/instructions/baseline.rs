//! What each stage took when the baseline was made, and when another count is refused.

use std::{collections::BTreeMap, fmt};

/// A stage may take so much more than the baseline says, in percent of it. Other processors run other instructions of
/// the same libraries, and other compilers make others of the same source.
pub(crate) const MARGIN_PERCENT: u64 = 10;

/// What stands before the tools in the baseline's text.
const MADE_BY: &str = "# Made by ";

const HEAD: &str =
    "# Instructions of one payment in each stage, as callgrind counts them. What they are, and when they are to be
# renewed, is in README.md; the command is
# cargo run --release -p benches --bin instructions -- renew
";

/// Instructions by stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// Compiler, valgrind and architecture.
    pub(crate) made_by: String,
    pub(crate) instructions: BTreeMap<String, u64>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("line {line} of the baseline is not `stage = instructions`")]
    Line { line: usize },
    #[error("line {line} of the baseline names a stage again")]
    Repeated { line: usize },
}

/// How a count differs from the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Dearer { stage: String, baseline: u64, now: u64 },
    Cheaper { stage: String, baseline: u64, now: u64 },
    NotInBaseline { stage: String },
    NotCounted { stage: String },
}

impl Baseline {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut baseline = Self::default();
        for (line, content) in (1..).zip(text.lines()) {
            if let Some(tools) = content.strip_prefix(MADE_BY) {
                tools.clone_into(&mut baseline.made_by);
            }
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let (stage, instructions) = content.split_once(" = ").ok_or(Error::Line { line })?;
            let instructions = instructions.parse().map_err(|_| Error::Line { line })?;
            if baseline.instructions.insert(stage.to_owned(), instructions).is_some() {
                return Err(Error::Repeated { line });
            }
        }
        Ok(baseline)
    }

    /// Where `now` is not what this says, by stage. Differences within the margin are none.
    pub(crate) fn compare(&self, now: &Self) -> Vec<Finding> {
        let before = self.instructions.iter().filter_map(|(stage, baseline)| {
            let stage = stage.clone();
            let Some(now) = now.instructions.get(&stage).copied() else { return Some(Finding::NotCounted { stage }) };
            let (baseline, margin) = (*baseline, baseline * MARGIN_PERCENT / 100);
            if now > baseline + margin {
                Some(Finding::Dearer { stage, baseline, now })
            } else if now < baseline - margin {
                Some(Finding::Cheaper { stage, baseline, now })
            } else {
                None
            }
        });
        let new = now.instructions.keys().filter(|stage| !self.instructions.contains_key(*stage));
        before.chain(new.map(|stage| Finding::NotInBaseline { stage: stage.clone() })).collect()
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEAD}{MADE_BY}{}\n\n", self.made_by)?;
        self.instructions.iter().try_for_each(|(stage, instructions)| writeln!(f, "{stage} = {instructions}"))
    }
}

impl Finding {
    /// Whether the check fails by it: what became cheaper is only told.
    pub(crate) const fn fails(&self) -> bool {
        match self {
            Self::Dearer { .. } | Self::NotInBaseline { .. } | Self::NotCounted { .. } => true,
            Self::Cheaper { .. } => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dearer { stage, baseline, now } => {
                write!(f, "DEARER: {stage} takes {now} instructions, {baseline} in the baseline")
            }
            Self::Cheaper { stage, baseline, now } => {
                write!(
                    f,
                    "cheaper: {stage} takes {now} instructions, {baseline} in the baseline: renew it to keep that"
                )
            }
            Self::NotInBaseline { stage } => write!(f, "MISSING: {stage} is not in the baseline"),
            Self::NotCounted { stage } => write!(f, "MISSING: {stage} is in the baseline, and there is no such stage"),
        }
    }
}

#[cfg(test)]
mod tests {
    use benches::STAGES;

    use super::*;

    fn of(stages: &[(&str, u64)]) -> Baseline {
        let instructions = stages.iter().map(|(stage, instructions)| ((*stage).to_owned(), *instructions));
        Baseline { made_by: "rustc 1, valgrind-3, x86_64".to_owned(), instructions: instructions.collect() }
    }

    #[test]
    fn a_count_is_held_to_the_baseline() {
        let stage = || "decide".to_owned();
        let check = |now: &[(&str, u64)], expected: Option<Finding>| {
            let findings = of(&[("decide", 1_000)]).compare(&of(now));
            assert_eq!(findings, Vec::from_iter(expected), "{now:?}");
        };
        check(&[("decide", 1_000)], None);
        check(&[("decide", 1_100)], None);
        check(&[("decide", 1_101)], Some(Finding::Dearer { stage: stage(), baseline: 1_000, now: 1_101 }));
        check(&[("decide", 900)], None);
        check(&[("decide", 899)], Some(Finding::Cheaper { stage: stage(), baseline: 1_000, now: 899 }));
        check(&[], Some(Finding::NotCounted { stage: stage() }));
        check(&[("apply", 7), ("decide", 1_000)], Some(Finding::NotInBaseline { stage: "apply".to_owned() }));
    }

    #[test]
    fn only_what_became_cheaper_is_let_through() {
        let stage = || "decide".to_owned();
        assert!(Finding::Dearer { stage: stage(), baseline: 1, now: 2 }.fails());
        assert!(Finding::NotInBaseline { stage: stage() }.fails());
        assert!(Finding::NotCounted { stage: stage() }.fails());
        assert!(!Finding::Cheaper { stage: stage(), baseline: 2, now: 1 }.fails());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let baseline = of(&[("apply", 20), ("decide", 10)]);
        let text = baseline.to_string();
        assert_eq!(Baseline::parse(&text), Ok(baseline));
        assert!(text.ends_with("\n\napply = 20\ndecide = 10\n"), "{text}");
    }

    #[test]
    fn what_is_no_line_of_a_baseline_is_refused() {
        assert_eq!(Baseline::parse("decide 10"), Err(Error::Line { line: 1 }));
        assert_eq!(Baseline::parse("# all\ndecide = many"), Err(Error::Line { line: 2 }));
        assert_eq!(Baseline::parse("decide = 1\ndecide = 2"), Err(Error::Repeated { line: 2 }));
    }

    /// So that a stage without a baseline is seen without valgrind too.
    #[test]
    fn the_baseline_names_every_stage() {
        let baseline = Baseline::parse(include_str!("../../../instructions.toml")).unwrap();
        let mut stages: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        stages.sort_unstable();
        assert_eq!(Vec::from_iter(baseline.instructions.keys().map(String::as_str)), stages);
    }
}
