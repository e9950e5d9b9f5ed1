//! The digest of a page's sources, by which a page is built again only after a change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Folders that are made by programs or are no part of a page.
const LEFT_OUT: [&str; 4] = ["node_modules", "dist", "target", "tests"];

/// Returns the digest of all files below these folders, with their names.
pub(super) fn digest(folders: &[PathBuf]) -> io::Result<String> {
    let mut digest = Sha256::new();
    for folder in folders {
        add(&mut digest, folder, folder)?;
    }
    Ok(format!("{:x}", digest.finalize()))
}

fn add(digest: &mut Sha256, top: &Path, folder: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            if !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
                add(digest, top, &path)?;
            }
        } else if kind.is_file() {
            let bytes = fs::read(&path)?;
            let name = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
            // With lengths, so that no other names and contents give the same.
            digest.update(format!("{}:{name}:{}:", name.len(), bytes.len()));
            digest.update(&bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_count_and_installed_packages_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let of = || digest(&[folder.path().to_owned()]).unwrap();
        fs::write(folder.path().join("a.ts"), "one").unwrap();
        let first = of();
        fs::create_dir(folder.path().join("node_modules")).unwrap();
        fs::write(folder.path().join("node_modules/b.js"), "two").unwrap();
        assert_eq!(of(), first);
        fs::write(folder.path().join("a.ts"), "two").unwrap();
        let second = of();
        fs::rename(folder.path().join("a.ts"), folder.path().join("b.ts")).unwrap();
        assert!(first != second && second != of());
        assert!(digest(&[folder.path().join("absent")]).is_err());
    }
}
