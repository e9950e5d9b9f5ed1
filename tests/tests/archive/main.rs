//! The archive, end to end: the old end of a conversation moves to S3, and nobody who reads, writes or searches notices.
//!
//! The tests share a cloud whose items move once they are some seconds old.

mod changing;
mod moving;
mod pages;
mod room;
