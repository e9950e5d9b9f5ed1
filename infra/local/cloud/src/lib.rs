//! A local cloud for SAM applications: runs any `template.yaml` on loopback, with real sockets and real processes.
//!
//! [`Cloud`] starts and stops everything, [`cli`] is the command. Each service is a crate beside this one, and knows of its
//! neighbours only what AWS's own interfaces say:
//!
//! | crate | emulates |
//! |---|---|
//! | `local-aws` | the ground: identity, requests and their units, the meter |
//! | `local-template` | SAM's transform and CloudFormation's functions |
//! | `local-lambda` | Lambda: build, Runtime API, Invoke API |
//! | `local-aurora`, `local-dynamodb`, `local-sqs`, `local-s3` | one engine each |
//! | `local-sources` | event source mappings |
//! | `local-gate` | IAM; and it counts requests and injects faults |
//! | `local-gateway` | API Gateway and a Cognito issuer |
//!
//! It knows no application: functions, routes, tables and queues come from the template alone.

mod access;
pub mod cli;
mod cloud;
mod control;
mod custom_resource;
mod data_dir;
mod endpoints;
mod engines;
mod event_sources;
mod listeners;
pub mod meter;
mod open_files;
mod options;
mod preflight;
mod remembered_ports;
mod shell_environment;
mod stage;
mod start_error;
mod stop_signal;
mod ui;
mod web;

pub use cloud::Cloud;
pub use custom_resource::CustomResourceError;
pub use endpoints::Endpoints;
pub use listeners::{BindError, Ports};
pub use options::Options;
pub use stage::ServiceError;
pub use start_error::StartError;
