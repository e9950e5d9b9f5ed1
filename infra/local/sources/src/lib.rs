//! Event source mappings: what invokes functions besides the APIs.
//!
//! * [`streams`]: from the stream of a DynamoDB table.
//! * [`queues`]: from an SQS queue.
//! * [`schedules`]: at times.

#![warn(missing_docs)]

mod batch_response;
pub mod queues;
pub mod schedules;
pub mod streams;
