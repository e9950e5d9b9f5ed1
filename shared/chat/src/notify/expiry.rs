//! Connections whose token has ended: nothing is pushed to them any more, and they are told so.

use std::time::Duration;

use domain::EndedConnection;
use domain::error::causes;
use domain::protocol::Push;
use futures_util::future::join_all;
use store::clock::timeout;
use store::connections_api::{ConnectionsApi, encode};
use store::dynamodb::Connections;

/// Time that telling one connection may take: the function has other work.
const MAX_DURATION: Duration = Duration::from_secs(1);

/// Tells these connections with a last frame that their token has ended, and closes them. No timer does this: the first push after
/// the end finds them, and an idle connection misses nothing.
///
/// Each is told by the one call that removes it. Cost: one write, one post and one close per connection. Failures are logged.
pub(super) async fn end_expired(connections: &Connections, api: &ConnectionsApi, expired: &[EndedConnection]) {
    if expired.is_empty() {
        return;
    }
    let Ok(json) = encode(&Push::TokenExpired) else { return };
    let ends = expired.iter().map(async |ended| {
        let tell = async {
            let removed = connections.end(ended).await?;
            if removed {
                api.close_with_frame(&ended.connection_id, &json).await;
            }
            Ok::<_, store::StoreError>(())
        };
        let EndedConnection { user_id, connection_id, .. } = ended;
        match timeout(MAX_DURATION, tell).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%user_id, connection_id, error = causes(&error), "an expired connection was not removed");
            }
            Err(_) => tracing::warn!(%user_id, connection_id, "an expired connection was not closed in time"),
        }
    });
    join_all(ends).await;
}
