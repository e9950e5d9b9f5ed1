//! The ground of the local cloud: identity, requests and their units, the meter, and small parts that several services share.
//!
//! * [`identity`]: region and account.
//! * [`call`], [`usage`], [`meter`]: a request to an AWS service, its billed units, and the counts of all of them.
//! * [`body`], [`http_server`], [`admission`]: HTTP/1.1, and from where it may be called.
//! * [`credentials`], [`signature`], [`policy`], [`permissions`], [`access`]: who calls, and what they may do.
//! * [`event_filter`], [`schedule_expression`]: patterns and times of event sources.
//! * [`back_off`], [`lag`]: waits before retries, and the lag of stale reads.

#![warn(missing_docs)]

pub mod access;
pub mod admission;
pub mod back_off;
pub mod body;
pub mod call;
pub mod credentials;
pub mod event_filter;
pub mod hex;
pub mod http_server;
pub mod identity;
pub mod lag;
pub mod meter;
pub mod permissions;
pub mod policy;
pub mod schedule_expression;
mod search_request;
pub mod signature;
pub mod usage;

pub use access::{Access, Caller, Denied, Principal};
pub use admission::Admission;
pub use call::{Call, Service};
pub use credentials::{Credentials, Keys};
pub use hex::hex;
pub use identity::{ACCOUNT, REGION};
pub use lag::Lag;
pub use meter::{Counts, Meter, Operations};
pub use permissions::{Permission, PermissionLog};
pub use policy::Policy;
pub use schedule_expression::ScheduleExpression;
pub use signature::{Signable, SignatureError};
pub use usage::Usage;
