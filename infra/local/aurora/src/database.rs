//! The PostgreSQL server behind the Data API: how to reach it, and why it cannot be used.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use local_template::model::Cluster;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::login::{FindLogin, Login};

/// Time that a server may take to answer [`Database::check`].
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The port of a server whose connection string names none.
const DEFAULT_PORT: u16 = 5432;

/// Address and credentials of a PostgreSQL server.
///
/// The user must be allowed to create databases: each cluster's `DatabaseName` is created if it is missing. Connections are
/// made without TLS.
#[derive(Clone)]
pub struct Database {
    config: Config,
    logins: Option<FindLogin>,
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.place())
    }
}

impl Database {
    /// The connection's settings; its database is the one to connect to for creating others.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Lets calls connect as the users of further secrets than the clusters' own.
    #[must_use]
    pub fn with_logins(self, logins: FindLogin) -> Self {
        Self { logins: Some(logins), ..self }
    }

    /// Returns the user of a secret; `None` if the secret is unknown, or has no user.
    pub(crate) fn login(&self, secret_arn: &str) -> Option<Login> {
        self.logins.as_ref()?(secret_arn)
    }

    /// Connects once, and looks whether the databases of these clusters exist or can be created. Changes nothing.
    ///
    /// # Errors
    /// The server cannot be used; the error names it, says what PostgreSQL answered and what to do.
    pub async fn check(&self, clusters: &[Cluster]) -> Result<(), DatabaseError> {
        let failed = |cause| DatabaseError { place: self.place(), cause };
        let checked = tokio::time::timeout(CHECK_TIMEOUT, async {
            let client = self.connect().await.map_err(Cause::of)?;
            for cluster in clusters {
                let row = client.query_one(EXISTS_OR_CAN_BE_CREATED, &[&cluster.database]).await.map_err(Cause::of)?;
                if !row.get::<_, bool>(0) {
                    return Err(Cause::MayNotCreate(cluster.database.clone()));
                }
            }
            Ok(())
        });
        checked.await.unwrap_or(Err(Cause::Silent)).map_err(failed)
    }

    /// Returns the error for a refusal of this server.
    pub(crate) fn refused(&self, error: tokio_postgres::Error) -> DatabaseError {
        DatabaseError { place: self.place(), cause: Cause::of(error) }
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(NoTls).await?;
        // Ends when the client is dropped.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Describes the server without its password: ``the database `shop` of 127.0.0.1:5432, as user `app` ``.
    fn place(&self) -> String {
        let user = self.config.get_user();
        let mut text = match self.config.get_dbname().or(user) {
            Some(name) => format!("the database `{name}`"),
            None => "the database".to_owned(),
        };
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            // One port may stand for all hosts.
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(folder) => Path::display(folder).to_string(),
            }
        });
        let hosts: Vec<_> = hosts.collect();
        // Writing to a string does not fail.
        if !hosts.is_empty() {
            let _ = write!(text, " of {}", hosts.join(", "));
        }
        if let Some(user) = user {
            let _ = write!(text, ", as user `{user}`");
        }
        text
    }
}

/// True if the database exists or the user may create it.
const EXISTS_OR_CAN_BE_CREATED: &str = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) \
     OR (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user)";

impl From<Config> for Database {
    fn from(config: Config) -> Self {
        Self { config, logins: None }
    }
}

impl FromStr for Database {
    type Err = tokio_postgres::Error;

    /// Reads a connection string, `postgres://user:password@host:port/database` or `host=… user=…`.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self { config: url.parse()?, logins: None })
    }
}

/// A PostgreSQL server that cannot be used. The text names the database, never the password.
#[derive(Debug)]
pub struct DatabaseError {
    place: String,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    /// PostgreSQL's own words, and the state that they have.
    Refused { message: String, state: SqlState },
    /// No connection, or one that broke.
    Unreachable(String),
    /// Nothing answered in time.
    Silent,
    /// The database of a cluster is missing, and the user may not create it.
    MayNotCreate(String),
}

impl Cause {
    #[expect(clippy::needless_pass_by_value, reason = "it is used as a function for `map_err`")]
    fn of(error: tokio_postgres::Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            return Self::Refused { message: refusal.message().to_owned(), state: refusal.code().clone() };
        }
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        Self::Unreachable(text)
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cannot use {} (`--database-url`): ", self.place)?;
        match &self.cause {
            Cause::Refused { message, state } => write!(out, "PostgreSQL says: {message}; {}", advice(state)),
            Cause::Unreachable(text) => {
                write!(out, "{text}; start that server, correct the host and port, or leave the flag out")
            }
            Cause::Silent => write!(
                out,
                "no answer in {} seconds; correct the host and port, or leave the flag out",
                CHECK_TIMEOUT.as_secs()
            ),
            Cause::MayNotCreate(name) => write!(
                out,
                "its user may not create the database `{name}`; create it, or grant the right: ALTER ROLE … CREATEDB"
            ),
        }
    }
}

impl Error for DatabaseError {}

/// What to do about a refusal.
fn advice(state: &SqlState) -> &'static str {
    match *state {
        SqlState::INVALID_CATALOG_NAME => "create it with `createdb`, or name one that exists, such as `postgres`",
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "correct the user and the password, or allow the connection in the server's pg_hba.conf"
        }
        SqlState::TOO_MANY_CONNECTIONS => "close other connections, or raise max_connections",
        SqlState::CANNOT_CONNECT_NOW => "wait until the server has started, then try again",
        SqlState::INSUFFICIENT_PRIVILEGE => "grant the right: ALTER ROLE … CREATEDB",
        _ => "correct the URL, or leave the flag out to start a PostgreSQL of this machine's own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_no_password() {
        let place = |url: &str| url.parse::<Database>().unwrap().place();
        assert_eq!(
            place("postgres://app:secret@db.example:99/shop"),
            "the database `shop` of db.example:99, as user `app`"
        );
        assert_eq!(place("postgres://app:secret@db.example"), "the database `app` of db.example:5432, as user `app`");
        assert_eq!(place("host=/run/pg user=app password=secret"), "the database `app` of /run/pg, as user `app`");
    }
}
