//! The archive, end to end: the old end of a conversation moves to S3, and nobody who reads, writes or searches notices.
//!
//! The tests share a cloud whose items move once they are some seconds old.

mod bounds;
mod changing;
mod crashes;
mod files;
mod moving;
mod pages;
mod periods;
mod readers;
mod room;
mod schedules;
