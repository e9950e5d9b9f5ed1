//! Search for the template.

use std::io;
use std::path::{Path, PathBuf};

/// Name of a template that no argument names.
const FILE: &str = "template.yaml";

/// Reasons for which there is no template.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTemplate {
    #[error("cannot read the template {}: {source}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("there is no {FILE} in {} or a folder above it: go to the one that has it, or name it with `--template`", .0.display())]
    NotFound(PathBuf),
}

/// Returns the template that was asked for, else `template.yaml` of the folder or of the nearest one above it, as cargo finds
/// its manifest. Nothing may be written before: files in any other folder would be in the way there.
pub(super) fn find(given: Option<PathBuf>, folder: &Path) -> Result<PathBuf, NoTemplate> {
    if let Some(file) = given {
        let found = match std::fs::metadata(&file) {
            Ok(metadata) if metadata.is_file() => Ok(()),
            Ok(_) => Err(io::Error::other("it is not a file")),
            Err(error) => Err(error),
        };
        return match found {
            Ok(()) => Ok(file),
            Err(source) => Err(NoTemplate::Unreadable { file, source }),
        };
    }
    if folder.join(FILE).is_file() {
        // Relative to the working directory, as people name it.
        return Ok(PathBuf::from(FILE));
    }
    let above = folder.ancestors().skip(1).map(|above| above.join(FILE)).find(|file| file.is_file());
    above.ok_or_else(|| NoTemplate::NotFound(folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_template_above_is_found() {
        let top = tempfile::tempdir().unwrap();
        let below = top.path().join("functions/send");
        std::fs::create_dir_all(&below).unwrap();
        let error = find(None, &below).unwrap_err().to_string();
        assert!(error.starts_with("there is no template.yaml in "), "{error}");
        std::fs::write(top.path().join(FILE), "").unwrap();
        assert_eq!(find(None, &below).unwrap(), top.path().join(FILE));
        assert_eq!(find(None, top.path()).unwrap(), Path::new(FILE));
    }

    #[test]
    fn a_named_template_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for wrong in [folder.path().to_owned(), folder.path().join("absent.yaml")] {
            assert!(matches!(find(Some(wrong), folder.path()), Err(NoTemplate::Unreadable { .. })));
        }
        let file = folder.path().join("other.yaml");
        std::fs::write(&file, "").unwrap();
        assert_eq!(find(Some(file.clone()), Path::new("/")).unwrap(), file);
    }
}
