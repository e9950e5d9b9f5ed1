use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx_core::acquire::Acquire;
use sqlx_core::error::Error;
use sqlx_core::transaction::Transaction;

use crate::{DataApi, DataApiConnection};

impl<'c> Acquire<'c> for &'c mut DataApiConnection {
    type Database = DataApi;
    type Connection = &'c mut DataApiConnection;

    fn acquire(self) -> BoxFuture<'c, Result<Self::Connection, Error>> {
        std::future::ready(Ok(self)).boxed()
    }

    fn begin(self) -> BoxFuture<'c, Result<Transaction<'c, DataApi>, Error>> {
        Transaction::begin(self, None)
    }
}
