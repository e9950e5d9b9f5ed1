//! The example does what it says.

use sqlx_data_api::query_scalar;

use crate::database::Database;

#[path = "../../examples/tour.rs"]
#[allow(dead_code, reason = "its `main` makes the client for AWS")]
mod example;

#[tokio::test]
async fn example_runs_and_removes_its_table() {
    let pool = Database::new().await.pool().await;
    example::tour(&pool).await.unwrap();
    let left: bool = query_scalar("SELECT to_regclass('planets') IS NOT NULL").fetch_one(&pool).await.unwrap();
    assert!(!left);
}
