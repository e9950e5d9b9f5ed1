//! The units in which AWS bills requests.

/// A request to SQS is billed as one for every 64 KB of payload, begun ones included: <https://aws.amazon.com/sqs/pricing/>.
const SQS_UNIT_BYTES: usize = 64 * 1024;

/// The billed units of one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// DynamoDB's read units by table.
    pub read: Vec<(String, f64)>,
    /// DynamoDB's write units by table.
    pub write: Vec<(String, f64)>,
    /// Billed requests or messages of the other services.
    pub units: u64,
}

/// Returns the number of requests to SQS that one with so many bytes of messages is billed as.
pub fn sqs_units(size: usize) -> u64 {
    size.div_ceil(SQS_UNIT_BYTES).max(1) as u64
}

/// A message is metered in 32 KB: <https://aws.amazon.com/api-gateway/pricing/>.
pub const WEBSOCKET_UNIT_BYTES: usize = 32 * 1024;

/// Returns the number of messages that one of `size` bytes is billed as.
pub fn websocket_units(size: usize) -> u64 {
    size.div_ceil(WEBSOCKET_UNIT_BYTES).max(1) as u64
}
