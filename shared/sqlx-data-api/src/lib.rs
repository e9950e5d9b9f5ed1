//! sqlx for the RDS Data API of Aurora PostgreSQL.
//!
//! [`DataApi`] is a sqlx `Database`: pools, queries, `FromRow`, transactions, `QueryBuilder` and migrations work as with
//! sqlx's own drivers, over HTTP instead of a socket. That suits AWS Lambda: no VPC, no connections to run out of.
//!
//! ```no_run
//! use sqlx_data_api::{DataApiConnectOptions, DataApiPool, DataApiPoolExt, query, query_as, query_scalar};
//!
//! #[derive(sqlx::FromRow)]
//! struct User {
//!     id: uuid::Uuid,
//!     name: String,
//! }
//!
//! # async fn example(client: aws_sdk_rdsdata::Client, id: uuid::Uuid) -> Result<(), sqlx::Error> {
//! let options = DataApiConnectOptions::new(client, "arn:…:cluster:main", "arn:…:secret:main").database("app");
//! let pool = DataApiPool::connect_with(options).await?;
//!
//! let user: User = query_as("SELECT id, name FROM users WHERE id = $1").bind(id).fetch_one(&pool).await?;
//! let users: i64 = query_scalar("SELECT count(*) FROM users").fetch_one(&pool).await?;
//!
//! pool.transaction(async |mut tx| {
//!     query("UPDATE users SET name = $1 WHERE id = $2").bind("Ada").bind(id).execute(&mut *tx).await?;
//!     query("INSERT INTO audit (user_id) VALUES ($1)").bind(id).execute(&mut *tx).await
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Arguments have the type of the Rust value
//!
//! As with sqlx's PostgreSQL driver, `$1` has the SQL type of the Rust value that is bound to it, at any position:
//! `WHERE id = $1`, `VALUES ($1)`, `coalesce($1, now())`, `$1::text`, `= ANY($1)`. The Data API alone does not support that: it
//! sends every value that is not a number, boolean or blob as `text` (its type hints know six types, its timestamps no zone and
//! no microseconds), so that `WHERE id = :id` fails for a `uuid` and an untyped NULL fails in many places. So each `$1` is sent
//! as `CAST(:p1 AS <type>)`, and values as PostgreSQL's own text for them. The planner folds such a cast into a constant, so
//! indexes are used as usual.
//!
//! | Rust | sent as | read from |
//! |---|---|---|
//! | `bool` | `bool` | `bool` |
//! | `i16`, `i32`, `i64`, `NonZeroI16`, `NonZeroI32`, `NonZeroI64` | `int2`, `int4`, `int8` | any of them, if the value fits |
//! | `f32`, `f64` | `float4`, `float8` | `float4`; `float4` or `float8` |
//! | `&str`, `String`, `Box<str>` and the like | `text` | `text`, `varchar`, `char`, `name`, enums, `inet`, `cidr` |
//! | `Text<T>` of any `Display + FromStr` | `text` | the same, and `numeric` |
//! | `&[u8]`, `[u8; N]`, `Vec<u8>`, `Box<[u8]>` and the like | `bytea` | `bytea` |
//! | `uuid::Uuid` | `uuid` | `uuid` |
//! | `time::OffsetDateTime`, `chrono::DateTime<Tz>` | `timestamptz` | `timestamptz`, in UTC |
//! | `time::PrimitiveDateTime`, `chrono::NaiveDateTime` | `timestamp` | `timestamp` |
//! | `time::Date`, `chrono::NaiveDate` | `date` | `date` |
//! | `time::Time`, `chrono::NaiveTime` | `time` | `time` |
//! | `rust_decimal::Decimal` | `numeric` | `numeric` |
//! | `Json<T>`, `serde_json::Value` | `jsonb` | `jsonb`, `json` |
//! | `&[T]`, `[T; N]`, `Vec<T>` of all these | `T[]` | one-dimensional arrays |
//! | `Option<T>` | `T`, NULL included | a NULL is `None` |
//!
//! `chrono`'s types and `Decimal` come with the features `chrono` and `rust_decimal`.
//!
//! - An enum of the database is a type of its own, as in PostgreSQL; [`impl_enum!`] gives it to a Rust enum.
//!   `#[derive(sqlx::Type)] #[sqlx(transparent)]` works for newtypes.
//! - Arrays are sent as PostgreSQL's text for them (`{"a",NULL}`). One with NULLs in it is a `Vec<Option<T>>`. The service
//!   returns none of `bytea`, `jsonb`, enums, `inet` and `cidr`: `unnest` them, or cast them (`::json[]`, `::text[]`).
//! - Times are kept to the microsecond; what Rust has beyond it is cut off. The years 1 to 9999 are sent and read; any other
//!   is an error, and so is `infinity`.
//! - `Decimal` is exact: a `numeric` of more than its 28 digits, or `NaN`, is an error. `Text<T>` reads those, and writes any
//!   number as `$1::numeric`.
//! - `text` in PostgreSQL has no NUL character: one that has is refused before it is sent, by PostgreSQL inside of JSON.
//! - PostgreSQL's other types (`interval`, `tstzrange`, `"char"`, `oid`, `point`, …) have no Rust type here. Write them as
//!   `$1::interval` and read them as `column::text`. As with sqlx's PostgreSQL driver, `u8` to `u64` and `char` are none.
//!
//! # Requests
//!
//! | | requests |
//! |---|---|
//! | connect, acquire, release, ping, prepare, close | 0 |
//! | a query, however it is fetched | 1 |
//! | a script of `n` statements (`raw_sql`, a plain string) | 1 if `n` is 1; else `n` + 2, as one transaction; `n` inside one |
//! | begin, commit, rollback | 1 each; 2 for `begin_with` modes |
//! | a transaction of `n` statements | `n` + 2 |
//! | nested begin, commit, rollback (savepoints) | 1 each |
//! | a transaction that is dropped | 1, before the connection's next request, or when the pool takes it back |
//! | migrations, when there is nothing to do | 6: lock (2), table, dirty, list, unlock |
//! | each migration of `n` statements | `n` + 4: begin, hold the lock, the statements, record, commit |
//! | a request that meets a paused cluster | repeated within [`resume_timeout`](DataApiConnectOptions::resume_timeout) |
//! | a `SELECT` whose connection broke | repeated once with [`repeat_reads`](DataApiConnectOptions::repeat_reads) |
//!
//! Nothing else is repeated. The SDK's retries are off for statements and commits, as they repeat a request whose answer was
//! lost and may so run a statement twice; [`DataApiError::is_retryable`] helps to decide what to do again. After an I/O error
//! the outcome of a statement or a commit is unknown.
//!
//! A pool's `max_connections` limits how many statements run at once. Nothing else speaks against a large one.
//!
//! # Transactions
//!
//! [`DataApiPoolExt::transaction`] and [`DataApiConnection::transaction`] commit or roll back before they return. sqlx's own
//! `Transaction` does so only on an explicit call. If it is dropped, it is rolled back before anything else runs on its
//! connection, which in a Lambda function may be at the next invocation. The service ends a transaction when a statement in it
//! fails, after three idle minutes, and after a day: afterwards it answers [`DataApiFault::TransactionNotFound`]. One whose
//! `begin` was cancelled half-way, or whose connection was dropped outside of a pool without being closed, is left to that. One
//! statement at a time runs in a transaction.
//!
//! Three minutes are long for whoever waits for the locks of a function that has died. The first statement of a transaction can
//! bound it in the same request, for the transaction alone:
//! `WHERE id = $1 AND (SELECT set_config('idle_in_transaction_session_timeout', '5s', true) <> '') FOR UPDATE`, and `lock_timeout`
//! likewise. What PostgreSQL ends then is [retryable](DataApiError::is_retryable) or [`DataApiFault::TransactionNotFound`].
//!
//! After a failed or cancelled statement a commit is refused with [`DataApiFault::TransactionNotFound`], and rolls back, also if
//! the caller ignored the failure and the service has kept the transaction. A rollback to a savepoint before the failure, nested
//! or by a statement, makes the commit possible again. Statements that begin or end a transaction are refused.
//!
//! # Migrations
//!
//! `sqlx::migrate!` and its `Migrator` run as usual, with sqlx's own `_sqlx_migrations` table. A file may hold many statements;
//! they and the record of it are one transaction (`-- no-transaction` has none). A statement in a transaction that takes longer
//! than the service's 45 seconds continues, and the migrator waits for it. Session locks have no effect over the Data API, so a
//! row in `_sqlx_migrations_lock` is the lock of the migrators. It is released after success, after failure and when the
//! connection is closed or returns to its pool. After a crash of its owner it expires within a minute (15 for a migration
//! without a transaction). Others wait for at most 15 minutes.
//!
//! # Limits
//!
//! - The service's: 1 MiB a result and 64 KB a row ([`DataApiFault::ResultTooLarge`]), 4 MiB a request, 45 s a statement
//!   ([`DataApiFault::Timeout`]); rows come all at once, so `fetch` is no cursor; no `LISTEN`, `COPY`, session settings or
//!   advisory locks, as there is no session.
//! - The `query!` macros, `sqlx::test`, `sqlx::Any` and `MigrateDatabase` are not supported: the service describes nothing
//!   that it does not run, so that `describe` and the columns of a prepared statement are not to be had.
//! - Arrays in arrays are not supported.
//! - A statement has at most 65,536 characters, the casts of its placeholders included, and no NUL character; longer ones are not
//!   sent.
//! - The service takes `:name` and `:1` for parameters, also inside of dollar quotes. So a lone `:` before a letter or digit gets a
//!   space behind it in SQL text that is not quoted, which changes nothing for PostgreSQL; and a dollar-quoted text with such a
//!   colon is sent in single quotes.

#![warn(missing_docs)]

mod acquire;
mod arguments;
mod column;
mod connection;
mod database;
mod error;
mod migrate;
mod options;
mod query;
mod query_result;
mod row;
mod scope;
mod sql;
mod statement;
mod transaction;
mod type_info;
mod types;
mod value;

pub use arguments::{DataApiArgumentBuffer, DataApiArguments};
pub use column::DataApiColumn;
pub use connection::DataApiConnection;
pub use database::DataApi;
pub use error::{DataApiError, DataApiFault};
pub use options::DataApiConnectOptions;
pub use query::{query, query_as, query_scalar};
pub use query_result::DataApiQueryResult;
pub use row::DataApiRow;
pub use scope::{DataApiPoolExt, LentTransaction};
pub use statement::DataApiStatement;
pub use transaction::DataApiTransactionManager;
pub use type_info::DataApiTypeInfo;
pub use types::DataApiHasArrayType;
pub use value::{DataApiValue, DataApiValueRef};

/// sqlx's [`Pool`](sqlx_core::pool::Pool) of Data API connections.
pub type DataApiPool = sqlx_core::pool::Pool<DataApi>;

/// sqlx's [`PoolOptions`](sqlx_core::pool::PoolOptions) for [`DataApiPool`].
pub type DataApiPoolOptions = sqlx_core::pool::PoolOptions<DataApi>;

/// sqlx's [`Transaction`](sqlx_core::transaction::Transaction) over the Data API.
pub type DataApiTransaction<'c> = sqlx_core::transaction::Transaction<'c, DataApi>;

/// sqlx's [`QueryBuilder`](sqlx_core::query_builder::QueryBuilder) for the Data API.
pub type DataApiQueryBuilder = sqlx_core::query_builder::QueryBuilder<DataApi>;

/// Anything that runs statements: `&DataApiPool`, `&mut DataApiConnection`, `&mut *transaction`.
pub trait DataApiExecutor<'c>: sqlx_core::executor::Executor<'c, Database = DataApi> {}
impl<'c, T: sqlx_core::executor::Executor<'c, Database = DataApi>> DataApiExecutor<'c> for T {}

#[doc(hidden)]
pub use sqlx_core;

sqlx_core::impl_into_arguments_for_arguments!(DataApiArguments);
sqlx_core::impl_column_index_for_row!(DataApiRow);
sqlx_core::impl_column_index_for_statement!(DataApiStatement);
sqlx_core::impl_encode_for_option!(DataApi);
