//! Compares SQL and DynamoDB, and mends what differs: for operators, after a restore.
//!
//! Each invocation is a page: it walks conversations, then users, then files in the order of their ids, until its time or its
//! limit is over. The answer has the cursor of the next page.

mod serve;

use std::time::Duration;

use chat::reconcile::{Finding, Options, Reconciliation};
use domain::error::causes;
use domain::{ConversationId, FileId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use store::StoreError;
use uuid::Uuid;

pub use serve::serve;

/// Part of an invocation's time that is reserved for what has begun, and for the answer.
const RESERVE: Duration = Duration::from_secs(20);

/// Ids in one statement.
const PAGE_SIZE: usize = 100;

/// Most ids that an invocation looks at, unless the request says otherwise.
const DEFAULT_LIMIT: usize = 10_000;

/// Findings after which an invocation ends: an answer of Lambda has at most 6 MB.
const MAX_FINDINGS: usize = 5_000;

/// Event of an invocation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The cursor of the answer before; none begins with the first conversation.
    pub cursor: Option<Cursor>,
    /// True to mend what differs.
    pub mend: bool,
    /// True to read whole logs.
    pub logs: bool,
    /// Most ids to look at.
    pub limit: Option<usize>,
}

/// How far the walk has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Cursor {
    pub part: Part,
    /// The last id that was compared.
    pub after: Uuid,
}

/// Parts of the walk, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Conversations,
    Users,
    Files,
}

/// Answer of an invocation.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Number of conversations, users and files that were compared.
    pub compared: usize,
    pub findings: Vec<Finding>,
    /// Ids whose comparison failed, with the error: run it again for them.
    pub failed: Vec<Failed>,
    /// Where to go on; `None` at the end.
    pub cursor: Option<Cursor>,
}

/// An id whose comparison failed.
#[derive(Debug, Serialize)]
pub struct Failed {
    pub id: Uuid,
    pub error: String,
}

/// Compares until shortly before the deadline, the limit or the end.
pub async fn handle(
    reconciliation: &Reconciliation,
    request: Request,
    deadline: Timestamp,
) -> Result<Answer, StoreError> {
    let until = deadline.minus(RESERVE);
    let options = Options { mend: request.mend, logs: request.logs };
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    let mut cursor = request.cursor.unwrap_or(Cursor { part: Part::Conversations, after: Uuid::nil() });
    let mut answer = Answer { compared: 0, findings: Vec::new(), failed: Vec::new(), cursor: None };
    loop {
        let is_over = answer.compared >= limit || answer.findings.len() >= MAX_FINDINGS || Timestamp::now() >= until;
        if is_over {
            answer.cursor = Some(cursor);
            return Ok(answer);
        }
        let size = PAGE_SIZE.min(limit - answer.compared);
        let last = page(reconciliation, cursor, size, options, until, &mut answer).await?;
        cursor = match (last, cursor.part) {
            (Some(after), part) => Cursor { part, after },
            (None, Part::Conversations) => Cursor { part: Part::Users, after: Uuid::nil() },
            (None, Part::Users) => Cursor { part: Part::Files, after: Uuid::nil() },
            (None, Part::Files) => return Ok(answer),
        };
    }
}

/// Compares up to `size` ids after the cursor; returns the last one, or `None` if there was none.
async fn page(
    reconciliation: &Reconciliation,
    Cursor { part, after }: Cursor,
    size: usize,
    options: Options,
    until: Timestamp,
    answer: &mut Answer,
) -> Result<Option<Uuid>, StoreError> {
    let mut last = None;
    match part {
        Part::Conversations => {
            for conversation in reconciliation.rows.conversations(ConversationId(after), size).await? {
                let compared = Box::pin(reconciliation.conversation(conversation, options)).await;
                answer.add(&[conversation.0], compared);
                last = Some(conversation.0);
                if Timestamp::now() >= until || answer.findings.len() >= MAX_FINDINGS {
                    break;
                }
            }
        }
        Part::Users => {
            for (user, deleted) in reconciliation.rows.users(UserId(after), size).await? {
                let compared = if deleted { reconciliation.user(user, options).await } else { Ok(Vec::new()) };
                answer.add(&[user.0], compared);
                last = Some(user.0);
            }
        }
        Part::Files => {
            let files = reconciliation.metadata.page(FileId(after), size).await?;
            let ids: Vec<Uuid> = files.iter().map(|stored| stored.file.file_id.0).collect();
            if !ids.is_empty() {
                answer.add(&ids, reconciliation.files(&files, options).await);
            }
            last = ids.last().copied();
        }
    }
    Ok(last)
}

impl Answer {
    fn add(&mut self, ids: &[Uuid], compared: Result<Vec<Finding>, StoreError>) {
        self.compared += ids.len();
        match compared {
            Ok(found) => {
                for finding in &found {
                    let (conversation_id, user_id) = (finding.conversation_id, finding.user_id);
                    tracing::warn!(?conversation_id, ?user_id, kind = ?finding.kind, "SQL and DynamoDB differ");
                }
                self.findings.extend(found);
            }
            Err(error) => {
                let error = causes(&error);
                tracing::error!(?ids, error, "a comparison failed");
                self.failed.extend(ids.iter().map(|id| Failed { id: *id, error: error.clone() }));
            }
        }
    }
}
