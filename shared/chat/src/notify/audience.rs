//! Audiences: the recipients of one notification.

use domain::{EndedConnection, Seq};

use super::Recipient;

/// The recipients of one notification.
#[derive(Clone, Debug)]
pub struct Audience {
    pub recipients: Vec<Recipient>,
    /// True if `recipients` is complete; otherwise the `fanout` worker notifies everyone.
    pub complete: bool,
    /// Connections of recipients whose token has ended.
    pub expired: Vec<EndedConnection>,
}

impl Audience {
    /// An audience that is left to the `fanout` worker: too many recipients, or they cannot be read now.
    pub fn deferred() -> Self {
        Self { recipients: Vec::new(), complete: false, expired: Vec::new() }
    }

    pub fn of(recipients: Vec<Recipient>) -> Self {
        Self { recipients, complete: true, expired: Vec::new() }
    }

    /// Keeps the recipients whose membership period covers the item at `seq`.
    #[must_use]
    pub fn covering(mut self, seq: Seq) -> Self {
        self.recipients.retain(|recipient| recipient.joined_seq <= seq);
        self
    }
}
