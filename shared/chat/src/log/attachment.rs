//! Attachments: a user may read a file if they see a message that references it.

use domain::{Attachment, ConversationId, FileId, Seq, UserId};

use super::Log;
use super::history::ReadError;

impl Log {
    /// Returns the attachment of the message at `seq`; `None` if the user does not see the message, or if it does not reference
    /// the file.
    ///
    /// Cost: two concurrent requests; one more if members changed between them.
    pub async fn attachment(
        &self,
        conversation: ConversationId,
        user: UserId,
        seq: Seq,
        file: FileId,
    ) -> Result<Option<Attachment>, ReadError> {
        loop {
            let message = async { Ok(self.items().get(conversation, seq).await?) };
            let (view, message) = tokio::try_join!(self.view(conversation, user), message)?;
            if message.as_ref().is_some_and(|message| message.membership_seq() > view.conversation.members_seq) {
                continue;
            }
            let message = message.filter(|message| view.periods.covers(message.seq));
            let attachments = message.iter().flat_map(|message| message.kind.attachments());
            return Ok(attachments.into_iter().find(|attachment| attachment.file_id == file).cloned());
        }
    }
}
