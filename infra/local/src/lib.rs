//! A local cloud for SAM applications: runs any `template.yaml` on loopback, with real sockets and real processes.
//!
//! [`template`] reads what is to run, [`Cloud`] starts and stops all of it, [`cli`] is the command. Each of the others
//! plays one AWS service and knows of its neighbours only what AWS's own interfaces say.
//!
//! It knows no application: functions, routes, tables and queues come from the template alone.

pub mod aurora;
mod back_off;
mod batch_response;
pub mod cli;
mod cloud;
mod control;
mod custom_resource;
mod data_dir;
pub mod dynamodb;
mod endpoints;
mod engines;
pub mod event_filter;
mod event_sources;
pub mod faults;
pub mod gate;
pub mod http_api;
mod http_server;
mod iam_policy;
pub mod lambda;
mod listeners;
mod log_feed;
pub mod meter;
pub mod oidc;
mod open_files;
pub mod s3;
pub mod schedules;
mod shell_environment;
pub mod sqs;
mod stage;
mod start_error;
mod stop_signal;
pub mod template;
pub mod throttle;
mod ui;
mod watch;
pub mod websocket_api;

pub use cloud::{Cloud, Options};
pub use custom_resource::CustomResourceError;
pub use endpoints::Endpoints;
pub use listeners::{BindError, Ports};
pub use log_feed::{LogFeed, LogLine};
pub use stage::ServiceError;
pub use start_error::StartError;
pub use watch::WatchError;
