//! `Events` of a function: what invokes it. One file per type; those of type `HttpApi` are routes of their API.

mod asynchronous;
mod bucket;
mod destination;
mod event;
mod queue;
mod schedule;
mod stream;

pub(super) use asynchronous::asynchronous_events;
pub(super) use bucket::bucket_notifications;
pub(super) use event::{HTTP_API, all};
pub(super) use queue::queue_events;
pub(super) use schedule::schedule_events;
pub(super) use stream::stream_events;
