//! Dependencies of the functions that erase what deleted users wrote.

use std::time::Duration;

use chat::erasure::{ErasureJob, ErasureRequests};
use store::sql::Erasures;

use super::{Wired, Wiring};
use crate::config::seconds;

impl Wiring {
    fn erasures(&self) -> Wired<Erasures> {
        Ok(Erasures::new(self.pool()?))
    }

    /// Returns the way to ask for erasures.
    pub fn erasure_requests(&self) -> Wired<ErasureRequests> {
        Ok(ErasureRequests { erasures: self.erasures()?, queue: self.queue("ERASURE_QUEUE_URL")? })
    }

    /// Returns the work on erasures, which look at everything again after `ERASURE_GRACE` seconds.
    pub fn erasure_job(&self) -> Wired<ErasureJob> {
        Ok(ErasureJob {
            erasures: self.erasures()?,
            members: self.members()?,
            items: self.items()?,
            archiver: self.archiver(Duration::ZERO)?,
            references: self.file_references()?,
            watermarks: self.watermarks()?,
            mentions: self.mentions()?,
            connections: self.connections()?,
            exports: self.exports()?,
            export_objects: self.export_objects()?,
            export_queue: self.queue("EXPORT_QUEUE_URL")?,
            search: self.search_reindex_queue()?,
            files: self.queue("FILES_QUEUE_URL")?,
            fanout: self.queue("FANOUT_QUEUE_URL")?,
            queue: self.queue("ERASURE_QUEUE_URL")?,
            schedules: self.schedules("ERASURE_QUEUE_ARN")?,
            grace: seconds("ERASURE_GRACE")?,
        })
    }
}
