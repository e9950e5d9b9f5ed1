//! `POST /v1/conversations` creates a conversation.

use chat::membership::Opened;
use domain::conversation::Conversation;
use domain::new_conversation::{NewConversation, RequestedConversation};
use domain::protocol::http::CreateConversationRequest;
use domain::settings::ConversationSettings;
use domain::{ApiError, Message, Seq, UserId};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Answers 201 for a new conversation, and 200 for an existing one: the private conversation of the two users, or the one
    /// with the same idempotency key.
    ///
    /// Five SQL requests, one to the queue, one to each of DynamoDB's tables: the answer waits until the members can send.
    pub(crate) async fn create(&self, request: &Request) -> Result<Response, ApiError> {
        let body: CreateConversationRequest = request.json()?;
        let creator = request.user_id();
        let requested = RequestedConversation {
            kind: body.kind,
            title: body.title.as_deref(),
            topic: body.topic.as_deref(),
            custom: body.custom.as_ref(),
            history: body.history,
            member_ids: &body.member_ids,
        };
        let new = NewConversation::new(creator, &requested)?;
        let idempotency = request.idempotency()?;
        match self.membership.create(creator, &new, idempotency.as_ref()).await? {
            Opened::New(conversation_id, applied) => {
                let conversation = match &applied.message {
                    Some(message) => created(creator, &new, message),
                    // The worker relayed the change before this request did, so the conversation may have changed since.
                    None => self.inbox.conversation(conversation_id, creator).await?,
                };
                self.notifier.changes(&[*applied]).await?;
                Response::created(&conversation)
            }
            Opened::Existing(conversation, applied) => {
                self.notifier.changes(&applied).await?;
                Response::ok(&self.inbox.conversation(conversation, creator).await?)
            }
            Opened::Refused(refusal, applied) => {
                self.notifier.changes(&applied).await?;
                Err(refusal.into())
            }
        }
    }
}

/// Returns a new conversation as its creator sees it, with its first message.
fn created(creator: UserId, new: &NewConversation, first: &Message) -> Conversation {
    let members = new.members(creator);
    Conversation {
        conversation_id: first.conversation_id,
        kind: new.kind(),
        title: new.title().map(str::to_owned),
        topic: new.topic().map(str::to_owned),
        custom: new.custom().cloned(),
        pinned_seqs: Vec::new(),
        peer_id: new.pair().and_then(|pair| pair.into_iter().find(|user| *user != creator)),
        history: new.history(),
        retention_days: None,
        expired_seq: Seq::ZERO,
        closed: false,
        blocked: false,
        muted_until: None,
        settings: ConversationSettings::default(),
        role: members.iter().find(|member| member.user_id == creator).map(|member| member.role),
        member_count: u32::try_from(members.len()).ok(),
        head_seq: first.seq,
        last_message_at: Some(first.sent_at),
        last_message: Some(first.clone()),
        read_seq: Seq::ZERO,
        unread: 0,
    }
}
