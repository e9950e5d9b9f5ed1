//! The wiring of mentions.

use chat::mentions::MentionList;
use store::dynamodb::Mentions;

use super::{Wired, Wiring, required};

impl Wiring {
    /// Returns the door to what mentions users.
    pub fn mentions(&self) -> Wired<Mentions> {
        Ok(Mentions::new(self.dynamodb(), required("READ_STATUS_TABLE")?))
    }

    pub fn mention_list(&self) -> Wired<MentionList> {
        Ok(MentionList { mentions: self.mentions()?, log: self.log()? })
    }
}
