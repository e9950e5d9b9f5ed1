//! Clouds whose data is on the disk.

use std::path::Path;

use end_to_end::Cloud;
use end_to_end::cloud::{PROFILE as PROFILE_VARIABLE, Setup, root};
use tempfile::TempDir;

use super::{Failure, PROFILE, UNLIMITED};

/// Makes a folder for data, beside the builds: a folder for temporary files may be no disk.
pub(crate) fn folder() -> Result<TempDir, Failure> {
    Ok(tempfile::tempdir_in(root().join("target"))?)
}

/// Starts a cloud that refuses nothing, with its data in a folder and these parameters.
pub(crate) fn start(data: &Path, parameters: &[&str]) -> Cloud {
    let profile = std::env::var(PROFILE_VARIABLE).unwrap_or_else(|_| PROFILE.to_owned());
    let parameters = parameters.iter().flat_map(|parameter| ["--parameter", *parameter]);
    let arguments: Vec<&str> = UNLIMITED.into_iter().chain(parameters).collect();
    Cloud::with(Setup { data: Some(data), profile: Some(&profile), arguments: &arguments, ..Setup::default() })
}
