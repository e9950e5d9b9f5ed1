//! Wires the function and serves its routes.

use lambda_kit::config::seconds;
use lambda_kit::{Error, Wiring, http};

use crate::Handler;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let handler = Handler {
        log: wiring.limited_log()?,
        inbox: wiring.inbox()?,
        mention_list: wiring.mention_list()?,
        status_reader: wiring.status_reader()?,
        sender: wiring.sender()?,
        connections: wiring.connections()?,
        edit_window: seconds("EDIT_WINDOW")?,
    };
    handler.sender.notifier().warm_up().await;
    http::run_with_backends(wiring.audit()?, async |request| handler.handle(request).await).await
}
