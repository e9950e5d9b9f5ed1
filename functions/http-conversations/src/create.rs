//! `POST /v1/conversations`.

use domain::conversation::NewConversation;
use domain::{ApiError, ConversationType, UserId, hex};
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
        let new = NewConversation::new(creator, body.kind, body.title.as_deref(), &body.member_ids)?;
        let idempotency = idempotency(request)?;
        match self.conversations.create(creator, &new, idempotency.as_ref()).await? {
            Created::New(pending) => {
                self.relay.apply(&pending).await?;
                Response::created(&self.get(pending.conversation_id, creator).await?)
            }
            Created::Existing(conversation) => {
                // Whoever created it may have died before it reached the log.
                self.relay.run(conversation).await?;
                Response::ok(&self.get(conversation, creator).await?)
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
