//! User and password of a secret.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use tokio_postgres::Config;

/// Finds the login of the secret with an ARN: the newest, so that a call after a change uses the new one.
pub type FindLogin = Arc<dyn Fn(&str) -> Option<Login> + Send + Sync>;

/// The database user of a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Login {
    username: String,
    password: String,
}

impl Login {
    /// Reads the value of a secret, a JSON object with `username` and `password`; `None` if it is no such object.
    pub fn of_secret(value: &str) -> Option<Self> {
        serde_json::from_str(value).ok()
    }

    /// Returns the settings of a connection as this user.
    pub(crate) fn applied_to(&self, config: &Config) -> Config {
        let mut config = config.clone();
        config.user(&self.username).password(&self.password);
        config
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}
