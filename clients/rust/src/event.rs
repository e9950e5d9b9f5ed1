//! What a client reports.

use domain::conversation::Conversation;
use domain::export::Export;
use domain::file::File;
use domain::protocol::event::Unread;
use domain::settings::ConversationSettings;
use domain::{ConversationId, Message, Receipt, UserId};

use crate::Refusal;

/// Events, in the order of each conversation.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection is up.
    Connected,
    /// The connection was lost; another one is being made.
    Disconnected,
    /// The state of a conversation: after connecting, and at intervals.
    Conversation(Box<Conversation>),
    /// The next item of a conversation's log, including the user's own messages.
    Item(Box<Message>),
    /// Another user's watermark moved forward.
    Receipt(Receipt),
    /// A user is typing, or has stopped. It ends if nothing more arrives.
    Typing { conversation_id: ConversationId, user_id: UserId, typing: bool },
    /// The unread messages, after a read on one of the user's devices.
    Unread(Unread),
    /// The user has changed settings of a conversation, on any device.
    Settings { conversation_id: ConversationId, settings: ConversationSettings },
    /// The user blocks another one, or does not any more; set on any device.
    Block { user_id: UserId, blocked: bool },
    /// A file of the user can be attached, or was rejected.
    File(Box<File>),
    /// An export of the user is ready or has failed.
    Export(Box<Export>),
    /// The last event: the server does not take the user's connections, and no repeat would change that. Messages that were not
    /// sent end with [`SendError::Stopped`](crate::SendError::Stopped).
    Refused(Refusal),
}
