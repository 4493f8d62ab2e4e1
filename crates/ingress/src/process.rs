//! What the process uses, as the operating system counts it.

use std::fs;

/// CPU and memory of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// User and system time of all threads, microseconds.
    pub(crate) cpu_us: u64,
    /// Resident memory, bytes.
    pub(crate) resident_bytes: u64,
}

/// Reads proc(5); zeros where there is none.
pub(crate) fn usage() -> Usage {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    Usage { cpu_us: cpu_us(&stat).unwrap_or(0), resident_bytes: resident_bytes(&stat).unwrap_or(0) }
}

/// The fields after the command name, which is in parentheses and may hold anything: field 3 (state) comes first.
fn field(stat: &str, number: usize) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

fn cpu_us(stat: &str) -> Option<u64> {
    let ticks = field(stat, 14)?.checked_add(field(stat, 15)?)?;
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    ticks.checked_mul(1_000_000)?.checked_div(ticks_per_second)
}

fn resident_bytes(stat: &str) -> Option<u64> {
    let page_bytes = u64::try_from(rustix::param::page_size()).ok()?;
    field(stat, 24)?.checked_mul(page_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_command_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 250 50 0 0 20 0 3 0 100 4096 12 0";
        assert_eq!(field(stat, 14), Some(250));
        assert_eq!(field(stat, 15), Some(50));
        assert_eq!(field(stat, 24), Some(12));
        assert_eq!(field("", 14), None);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(usage().resident_bytes > 0);
    }
}
