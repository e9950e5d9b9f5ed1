//! The RSA key: made once, kept in a file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::rand_core::OsRng;

/// Bits of the modulus: what Cognito's keys have.
const KEY_BITS: usize = 2048;

/// Reasons for which there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file can be neither read nor written.
    #[error("cannot use the key file {path}: {source}", path = path.display())]
    File {
        /// Path of the key file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The key file holds something else.
    #[error("{path} is not an RSA key in PKCS#8 PEM ({reason}); remove it to get a new key", path = path.display())]
    NotAKey {
        /// Path of the key file.
        path: PathBuf,
        /// The reason for which the parser refuses its content.
        reason: rsa::pkcs8::Error,
    },
    /// Key generation or encoding failed.
    #[error("cannot make an RSA key: {0}")]
    Generation(String),
}

/// A private key with everything derived from it, so that signing and verifying parse nothing.
pub(super) struct SigningKey {
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    /// Goes into every token's header.
    pub(super) id: String,
    pub(super) public: JwkSet,
}

impl SigningKey {
    /// A key that is kept nowhere.
    pub(super) fn generate() -> Result<Self, KeyError> {
        Self::derive(&new_private_key()?)
    }

    /// The key in `file`; when there is no such file, a new key that is written there with mode 0600.
    pub(super) fn load_or_create(file: &Path) -> Result<Self, KeyError> {
        let unusable = |source| KeyError::File { path: file.to_owned(), source };
        match fs::read_to_string(file) {
            Ok(pem) => {
                let private = RsaPrivateKey::from_pkcs8_pem(&pem)
                    .map_err(|reason| KeyError::NotAKey { path: file.to_owned(), reason })?;
                Self::derive(&private)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let private = new_private_key()?;
                let pem = private.to_pkcs8_pem(LineEnding::LF).map_err(generation)?;
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(file)
                    .and_then(|mut opened| opened.write_all(pem.as_bytes()))
                    .map_err(unusable)?;
                Self::derive(&private)
            }
            Err(error) => Err(unusable(error)),
        }
    }

    fn derive(private: &RsaPrivateKey) -> Result<Self, KeyError> {
        let encoding = EncodingKey::from_rsa_der(private.to_pkcs1_der().map_err(generation)?.as_bytes());
        let mut public = Jwk::from_encoding_key(&encoding, Algorithm::RS256).map_err(generation)?;
        // The RFC 7638 thumbprint: the same key has the same id after a restart.
        let id = public.thumbprint(ThumbprintHash::SHA256).map_err(generation)?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&public).map_err(generation)?;
        Ok(Self { encoding, decoding, id, public: JwkSet { keys: vec![public] } })
    }

    /// The header of every token: RS256 and the key's id.
    pub(super) fn header(&self) -> Header {
        Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::RS256) }
    }
}

fn new_private_key() -> Result<RsaPrivateKey, KeyError> {
    RsaPrivateKey::new(&mut OsRng, KEY_BITS).map_err(generation)
}

fn generation(error: impl std::fmt::Display) -> KeyError {
    KeyError::Generation(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_private_and_gives_the_same_key_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("issuer.pem");
        let first = SigningKey::load_or_create(&file).unwrap();
        let second = SigningKey::load_or_create(&file).unwrap();
        assert_eq!(first.id, second.id);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("issuer.pem");
        fs::write(&file, "not a key").unwrap();
        let error = SigningKey::load_or_create(&file).err().unwrap();
        assert!(matches!(error, KeyError::NotAKey { .. }), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "not a key");
    }
}
