//! Wires [`http_users`].

use lambda_kit::config::{aws, required};
use lambda_kit::{Error, http, telemetry};
use store::sql::{Users, connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let rds_data = (&aws().await).into();
    let pool = connect(rds_data, required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let users = Users::new(pool);
    http::run(async |request| http_users::handle(&users, request).await).await
}
