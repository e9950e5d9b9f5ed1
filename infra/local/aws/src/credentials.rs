//! Access keys: one for each function, and one for the developer.
//!
//! A function's secret key is derived from a seed that the cloud keeps, so that presigned URLs survive a restart. As in Lambda, a
//! session token comes with it; here it names the instance.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::{array, fmt};

use ring::hmac;

use super::hex::hex;

/// Access key of programs that are no functions: tests, AWS's command line, functions that run elsewhere.
pub const DEVELOPER_ACCESS_KEY: &str = "local";
/// Secret key of the developer's access key.
pub const DEVELOPER_SECRET_KEY: &str = "local";

/// The beginning of temporary access keys. What follows is the function's logical id.
const FUNCTION_PREFIX: &str = "ASIA";
const SEED_BYTES: usize = 32;
/// As long as AWS's.
const SECRET_LENGTH: usize = 40;
/// Hexadecimal digits that prove a session token.
const PROOF_LENGTH: usize = 32;

/// What a client signs with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Value of `AWS_ACCESS_KEY_ID`, which tells who signs.
    pub access_key: String,
    /// Value of `AWS_SECRET_ACCESS_KEY`, which is never sent.
    pub secret_key: String,
    /// Value of `AWS_SESSION_TOKEN`, for temporary keys.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Returns those of programs that are no functions.
    pub fn developer() -> Self {
        let (access_key, secret_key) = (DEVELOPER_ACCESS_KEY.to_owned(), DEVELOPER_SECRET_KEY.to_owned());
        Self { access_key, secret_key, session_token: None }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// The seed of all functions' keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keys(Arc<hmac::Key>);

impl Default for Keys {
    /// Keys that are gone with the process.
    fn default() -> Self {
        Self::from_seed(&array::from_fn(|_| rand::random()))
    }
}

impl Keys {
    fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, seed)))
    }

    /// Reads the seed from a file, or makes one and writes it, for its owner only.
    pub fn load_or_create(file: &Path) -> io::Result<Self> {
        let mut seed = [0; SEED_BYTES];
        match File::open(file) {
            Ok(mut file) => file.read_exact(&mut seed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                seed = array::from_fn(|_| rand::random());
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                options.open(file)?.write_all(&seed)?;
            }
            Err(error) => return Err(error),
        }
        Ok(Self::from_seed(&seed))
    }

    /// Returns what an instance of a function signs with.
    pub fn of_instance(&self, function: &str, instance: &str) -> Credentials {
        Credentials {
            access_key: format!("{FUNCTION_PREFIX}{function}"),
            secret_key: self.secret_key(function),
            session_token: Some(format!("{instance}.{}", self.proof(function, instance))),
        }
    }

    /// Returns the secret key of a function.
    pub(crate) fn secret_key(&self, function: &str) -> String {
        self.derive(&["secret", function], SECRET_LENGTH)
    }

    /// Returns the instance that a session token names, if it is this function's.
    pub(crate) fn instance<'t>(&self, function: &str, token: &'t str) -> Option<&'t str> {
        let (instance, proof) = token.rsplit_once('.')?;
        (proof == self.proof(function, instance)).then_some(instance)
    }

    fn proof(&self, function: &str, instance: &str) -> String {
        self.derive(&["token", function, instance], PROOF_LENGTH)
    }

    fn derive(&self, parts: &[&str], length: usize) -> String {
        let mut text = hex(hmac::sign(&self.0, parts.join("\n").as_bytes()).as_ref());
        text.truncate(length);
        text
    }
}

/// Returns the logical id of the function that has an access key.
pub(crate) fn function_of(access_key: &str) -> Option<&str> {
    access_key.strip_prefix(FUNCTION_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_a_key_of_its_own() {
        let keys = Keys::default();
        let [first, second] = ["A", "B"].map(|function| keys.of_instance(function, "1"));
        assert_eq!(function_of(&first.access_key), Some("A"));
        assert_ne!(first.secret_key, second.secret_key);
        let token = first.session_token.unwrap();
        assert_eq!(keys.instance("A", &token), Some("1"));
        assert_eq!(keys.instance("B", &token), None, "another function's");
        assert_eq!(Keys::default().instance("A", &token), None, "another cloud's");
    }

    #[test]
    fn keys_survive_in_their_file() {
        let file = std::env::temp_dir().join(format!("keys-{}-{:x}", std::process::id(), rand::random::<u64>()));
        let first = Keys::load_or_create(&file).unwrap().of_instance("A", "1");
        assert_eq!(Keys::load_or_create(&file).unwrap().of_instance("A", "1"), first);
        std::fs::remove_file(file).unwrap();
    }
}
