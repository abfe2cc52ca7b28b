//! What a process has for itself.

/// The bytes of memory that this process has written and shares with nobody; None where the system does not tell.
///
/// Pages of files that were only read are left out: all processes that map the file have them in common, and they can be read
/// again. (What the system calls private and dirty has them in it as long as the file itself is still to be written to the disk,
/// which the code of a fresh build is.) So is what the system keeps of a process or a thread for itself.
pub fn private() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/smaps_rollup").ok()?)
}

fn parse(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found_among_the_rest() {
        let rollup = "56 - 7f [rollup]\nRss:   2000 kB\nPrivate_Dirty:  124 kB\nReferenced: 1 kB\nAnonymous:    120 kB\n";
        assert_eq!(parse(rollup), Some(122_880));
        assert_eq!(parse("Rss: 1 kB\n"), None);
        assert_eq!(parse("Anonymous: many\n"), None);
    }

    #[test]
    fn memory_that_is_written_is_counted() {
        let before = private().unwrap();
        let mine = std::hint::black_box(vec![1u8; 64 << 20]);
        let after = private().unwrap();
        assert!(after >= before + (mine.len() as u64) / 2, "{before} {after}");
    }
}
