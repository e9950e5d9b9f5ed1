//! Reads request bodies of a bounded size.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

/// Reasons for which a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// The body has more bytes than the service takes.
    TooLarge,
    /// The client closed the connection, so no answer can be sent.
    Broken,
}

/// The whole body, if it has no more than `limit` bytes.
///
/// A body that is too large is read to its end and dropped: a client that is still sending would not see the answer.
pub async fn read(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        // Trailers do not reach functions.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length <= limit {
            whole.extend_from_slice(&data);
        }
    }
    if length > limit { Err(BodyError::TooLarge) } else { Ok(whole.freeze()) }
}
