//! Parts of the machine that a build needs. The linker and the version of Rust are proven: this program was built with them.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// Free space that a first build takes, with some room for data.
const MIN_FREE_MIB: u64 = 3 * 1024;

/// Names of the C compiler; SQLite is C.
const C_COMPILERS: [&str; 3] = ["cc", "gcc", "clang"];

/// Returns a sentence if no C compiler is in `PATH`.
pub(super) fn without_compiler() -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| C_COMPILERS.iter().any(|name| folder.join(name).is_file()));
    (!found && env::var_os("CC").is_none()).then(|| {
        "there is no C compiler in PATH. Install one (Debian and Ubuntu: `apt install build-essential`; Fedora: `dnf install gcc`; \
         macOS: `xcode-select --install`)"
            .to_owned()
    })
}

/// Returns a sentence if the disk of `folder` has no room for a first build.
pub(super) fn without_room(folder: &Path) -> Option<String> {
    let output = Command::new("df").arg("-Pk").arg(folder).stdin(Stdio::null()).output().ok()?;
    let free = free_mib(&String::from_utf8_lossy(&output.stdout))?;
    (free < MIN_FREE_MIB).then(|| {
        format!("{} has {free} MiB free, and the first build takes {MIN_FREE_MIB} MiB: make room", folder.display())
    })
}

/// The fourth column of the line about the file system, which `df -Pk` keeps whole.
fn free_mib(table: &str) -> Option<u64> {
    let line = table.lines().nth(1)?;
    // From the end: the name of a device may have blanks, and mount points here have none that matter.
    let percent = line.split_whitespace().position(|word| word.ends_with('%'))?;
    let free: u64 = line.split_whitespace().nth(percent.checked_sub(1)?)?.parse().ok()?;
    Some(free / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_from_the_table_of_df() {
        let table =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\nmap auto home 5242880 1 2097152 60% /home\n";
        assert_eq!(free_mib(table), Some(2048));
        assert_eq!(free_mib("Filesystem\n"), None);
        assert_eq!(without_room(Path::new("/absent")), None);
    }
}
