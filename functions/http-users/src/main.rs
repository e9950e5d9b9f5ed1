//! Wires [`http_users`] and serves its routes.

use lambda_kit::{Error, Wiring, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let users = wiring.users()?;
    http::run(async |request| http_users::handle(&users, request).await).await
}
