//! The ground of the local cloud: identity, requests and their units, the meter, and small parts that several services share.
//!
//! * [`identity`]: region and account.
//! * [`call`], [`usage`], [`meter`]: a request to an AWS service, its billed units, and the counts of all of them.
//! * [`body`], [`http_server`], [`admission`]: HTTP/1.1, and who may call.
//! * [`event_filter`], [`schedule_expression`]: patterns and times of event sources.
//! * [`back_off`], [`lag`]: waits before retries, and the lag of stale reads.

#![warn(missing_docs)]

pub mod admission;
pub mod back_off;
pub mod body;
pub mod call;
pub mod event_filter;
pub mod http_server;
pub mod identity;
pub mod lag;
pub mod meter;
pub mod schedule_expression;
pub mod usage;

pub use admission::Admission;
pub use call::{Call, Service};
pub use identity::{ACCOUNT, REGION};
pub use lag::Lag;
pub use meter::{Counts, Meter, Operations};
pub use schedule_expression::ScheduleExpression;
pub use usage::Usage;
