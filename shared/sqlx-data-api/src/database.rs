use sqlx_core::database::{Database, HasStatementCache};

use crate::{
    DataApiArgumentBuffer, DataApiArguments, DataApiColumn, DataApiConnection, DataApiQueryResult, DataApiRow,
    DataApiStatement, DataApiTransactionManager, DataApiTypeInfo, DataApiValue, DataApiValueRef,
};

/// Aurora PostgreSQL through the RDS Data API, as sqlx's [`Database`].
#[derive(Debug)]
pub struct DataApi;

impl Database for DataApi {
    type Connection = DataApiConnection;
    type TransactionManager = DataApiTransactionManager;
    type Row = DataApiRow;
    type QueryResult = DataApiQueryResult;
    type Column = DataApiColumn;
    type TypeInfo = DataApiTypeInfo;
    type Value = DataApiValue;
    type ValueRef<'r> = DataApiValueRef<'r>;
    type Arguments = DataApiArguments;
    type ArgumentBuffer = DataApiArgumentBuffer;
    type Statement = DataApiStatement;

    const NAME: &'static str = "Aurora Data API";
    const URL_SCHEMES: &'static [&'static str] = &["aurora-data-api"];
}

impl HasStatementCache for DataApi {}
