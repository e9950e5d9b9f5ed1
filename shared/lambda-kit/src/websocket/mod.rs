//! Functions behind the WebSocket API: [`run`] serves the frames of one route, [`run_lifecycle`] serves `$connect` and
//! `$disconnect`.

mod caller;
mod frames;
mod lifecycle;

use std::collections::BTreeMap;

use serde::Serialize;

pub use caller::Caller;
pub use frames::run;
pub use lifecycle::run_lifecycle;

/// A proxy response; API Gateway refuses unknown keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status_code: u16,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'static str, String>,
    /// The frame that the route response sends to the client; `None` for no frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}
