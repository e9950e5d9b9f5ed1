//! `POST /v1/conversations`.

use domain::new_conversation::{NewConversation, Wanted};
use domain::{ApiError, ConversationType, HistoryPolicy, UserId, hex};
use lambda_kit::http::{Request, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::sql::conversations::{Created, Idempotency};

use crate::Handler;

/// Longest `Idempotency-Key`, in characters.
const MAX_KEY_CHARS: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(rename = "type")]
    kind: ConversationType,
    title: Option<String>,
    topic: Option<String>,
    history: Option<HistoryPolicy>,
    #[serde(default)]
    member_ids: Vec<UserId>,
}

impl Handler {
    /// 201 for a conversation that began, 200 for one that was there: the pair's, or the one of the same key.
    ///
    /// Five SQL requests, one to the queue, one transaction: the answer waits until the members can send.
    pub(crate) async fn create(&self, request: &Request) -> Result<Response, ApiError> {
        let body: Body = request.json()?;
        let creator = request.user_id();
        let wanted = Wanted {
            kind: body.kind,
            title: body.title.as_deref(),
            topic: body.topic.as_deref(),
            history: body.history,
            member_ids: &body.member_ids,
        };
        let new = NewConversation::new(creator, &wanted)?;
        let idempotency = idempotency(request)?;
        match self.membership.conversations.create(creator, &new, idempotency.as_ref()).await? {
            Created::New(pending) => {
                let applied = self.membership.relay.apply(&pending).await?;
                self.announce(&[applied]).await?;
                Response::created(&self.inbox.conversation(pending.conversation_id, creator).await?)
            }
            Created::Existing(conversation) => {
                // Whoever created it may have died before it reached the log.
                let applied = self.membership.relay.run(conversation).await?;
                self.announce(&applied).await?;
                Response::ok(&self.inbox.conversation(conversation, creator).await?)
            }
        }
    }
}

fn idempotency(request: &Request) -> Result<Option<Idempotency>, ApiError> {
    let Some(key) = request.header("idempotency-key")? else { return Ok(None) };
    if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
        return Err(ApiError::invalid(format!("`Idempotency-Key` takes 1 to {MAX_KEY_CHARS} characters.")));
    }
    let digest = hex(&Sha256::digest(request.text()?));
    Ok(Some(Idempotency { key: key.to_owned(), digest }))
}
