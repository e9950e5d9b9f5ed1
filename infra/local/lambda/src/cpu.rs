//! Processor time of a process.

use std::time::Duration;

/// Linux's unit of processor time for programs (`USER_HZ`), whatever the kernel's own clock: 10 ms.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads of a process so far. `None` where the system has no `/proc`, or when the process
/// is gone.
pub(crate) fn used(pid: u32) -> Option<Duration> {
    // Not a file on a disk: reading it takes microseconds, less than a thread for it would.
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Duration> {
    // The second field is the program's name in parentheses, which may hold anything; `utime` and `stime` are the
    // 14th and the 15th (proc_pid_stat(5)).
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u32>);
    Some(TICK * (times.next()?.ok()? + times.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_count_whatever_the_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 12 30 0 0 20 0 4 0 100 1000 10";
        assert_eq!(parse(stat), Some(Duration::from_millis(420)));
        assert_eq!(parse("7 (a) S 1"), None);
    }
}
