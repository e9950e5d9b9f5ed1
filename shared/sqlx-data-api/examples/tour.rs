//! A tour of the driver: types, many rows at once, errors and transactions, on any cluster. It leaves nothing behind.
//!
//! ```sh
//! DATABASE_URL='aurora-data-api://?resource_arn=arn:…&secret_arn=arn:…&database=app' cargo run --example tour
//! ```
//!
//! The SDK reads region and credentials from the environment (`AWS_REGION`, `AWS_PROFILE`, …). A URL with a host,
//! `aurora-data-api://127.0.0.1:8080?…`, goes to that endpoint instead of to AWS.

use std::error::Error;

use aws_config::BehaviorVersion;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use sqlx_data_api::{DataApiConnectOptions, DataApiPool, DataApiPoolExt, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Debug, sqlx::FromRow)]
struct Planet {
    id: Uuid,
    name: String,
    moons: Vec<String>,
    seen_at: Option<OffsetDateTime>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let url = std::env::var("DATABASE_URL")?;
    let options = url.parse::<DataApiConnectOptions>()?.client(aws_sdk_rdsdata::Client::new(&config));
    tour(&DataApiPool::connect_with(options).await?).await?;
    Ok(())
}

pub(crate) async fn tour(pool: &DataApiPool) -> Result<(), sqlx::Error> {
    let version: String = query_scalar("SELECT version()").fetch_one(pool).await?;
    println!("{version}");

    let toured = pool
        .transaction(async |mut tx| {
            query("CREATE TABLE planets (id uuid PRIMARY KEY, name text UNIQUE, moons text[], seen_at timestamptz)")
                .execute(&mut *tx)
                .await?;
            // Many rows, one request: an array for each column.
            query("INSERT INTO planets (id, name, moons) SELECT id, name, '{}' FROM unnest($1, $2) AS t (id, name)")
                .bind([Uuid::new_v4(), Uuid::new_v4()])
                .bind(["Mars", "Venus"])
                .execute(&mut *tx)
                .await?;
            query("UPDATE planets SET moons = $1, seen_at = $2 WHERE name = $3")
                .bind(["Phobos", "Deimos"])
                .bind(OffsetDateTime::now_utc())
                .bind("Mars")
                .execute(&mut *tx)
                .await?;
            let planets: Vec<Planet> = query_as("SELECT id, name, moons, seen_at FROM planets WHERE name = ANY($1)")
                .bind(["Mars", "Venus", "Vulcan"])
                .fetch_all(&mut *tx)
                .await?;
            for Planet { id, name, moons, seen_at } in planets {
                println!("{name} ({id}): moons {moons:?}, seen at {seen_at:?}");
            }
            // A constraint that is violated has a kind and a name, and ends the transaction.
            query("INSERT INTO planets (id, name) VALUES ($1, 'Mars')").bind(Uuid::new_v4()).execute(&mut *tx).await
        })
        .await;

    match toured {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            println!("rolled back: {error} (constraint {:?})", error.constraint());
            Ok(())
        }
        Err(error) => Err(error),
        Ok(_) => Err(sqlx::Error::Protocol("there were two planets of one name".to_owned())),
    }
}
