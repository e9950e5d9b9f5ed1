//! Requests for exports, their state and their end.

use std::time::Duration;

use domain::export::{Export, ExportFailure, ExportState, KEPT_FOR, LINK_LIFETIME, STALLED_AFTER, Subject};
use domain::{ApiError, ConversationId, ConversationType, ErrorCode, ExportId, Role, Timestamp, UserId};
use store::StoreError;
use store::dynamodb::exports::{ExportItem, Requests};
use store::dynamodb::{Exports, Members};
use store::export_objects::ExportObjects;
use store::sqs::{ExportBody, Queue, RELAY_DELAY};

use crate::log::{ReadError, require_member};

/// Attempts to record a request beside others of the same user.
const MAX_ATTEMPTS: u32 = 5;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Records exports and queues them.
#[derive(Clone, Debug)]
pub struct ExportRequests {
    pub exports: Exports,
    pub objects: ExportObjects,
    pub members: Members,
    pub queue: Queue,
    /// Most exports that a user may request in a day; 0 for none at all.
    pub per_day: u32,
}

impl ExportRequests {
    /// Requests an export, or finds the one that is under way if the same was requested before. Cost: a read unit, four write units and
    /// two queue messages; of a conversation up to six read units more.
    pub async fn request(&self, by: UserId, subject: Subject, files: bool) -> Result<Export, ApiError> {
        if let Subject::Conversation { conversation_id } = subject {
            require_exporter(&self.members, conversation_id, by).await?;
        }
        let requester = requester(by, subject);
        for _ in 0..MAX_ATTEMPTS {
            let now = Timestamp::now();
            let before = self.exports.requests(&requester).await?;
            if let Some(running) = self.running(before.as_ref(), now).await? {
                if running.subject != subject || running.files != files {
                    return Err(ApiError::new(ErrorCode::ExportRunning, "Another export of yours is under way."));
                }
                // The first request may have failed to queue it.
                self.queue.send_export(body(running.export_id), Duration::ZERO).await?;
                return Ok(shown(&running, now));
            }
            let requests = self.next(before, now, by)?;
            let export = new_export(requests.export_id, by, subject, files, now);
            // Sent first, so that a crash in between leaves no export that nobody works on.
            self.queue.send_export(body(export.export_id), RELAY_DELAY).await?;
            if self.exports.create(&export, &requester, &requests).await? {
                self.queue.send_export(body(export.export_id), Duration::ZERO).await?;
                return Ok(shown(&export, now));
            }
        }
        Err(ApiError::busy(Duration::from_secs(1)))
    }

    /// Returns an export of the user with a link to it, if it is ready. Cost: a read unit.
    pub async fn get(&self, by: UserId, export: ExportId) -> Result<Export, ApiError> {
        let now = Timestamp::now();
        let item = self.of(by, export).await?;
        let mut shown = shown(&item, now);
        if let (ExportState::Ready, Some(expires_at)) = (shown.state, shown.expires_at) {
            let lifetime = expires_at.since(now).min(LINK_LIFETIME);
            if lifetime < Duration::from_secs(1) {
                return Err(not_found());
            }
            shown.url = Some(self.objects.sign(export, lifetime).await?);
            shown.url_expires_at = Some(now.plus(lifetime));
        }
        Ok(shown)
    }

    /// Cancels an export of the user, and has what there is of it deleted. Safe to repeat. Cost: a read unit, a write unit for each KB and a
    /// queue message.
    pub async fn cancel(&self, by: UserId, export: ExportId) -> Result<(), ApiError> {
        self.of(by, export).await?;
        self.exports.cancel(export, Timestamp::now()).await?;
        // Also for an export that is cancelled already: the first request may have failed to queue it.
        Ok(self.queue.send_export(body(export), Duration::ZERO).await?)
    }

    async fn of(&self, by: UserId, export: ExportId) -> Result<ExportItem, ApiError> {
        self.exports.get(export).await?.filter(|item| item.requested_by == by).ok_or_else(not_found)
    }

    /// Returns the export that is under way.
    async fn running(&self, newest: Option<&Requests>, now: Timestamp) -> Result<Option<ExportItem>, StoreError> {
        let Some(newest) = newest else { return Ok(None) };
        let item = self.exports.get(newest.export_id).await?;
        Ok(item.filter(|item| shown(item, now).state == ExportState::Running))
    }

    /// Returns the requests with one more, if there may be one.
    fn next(&self, before: Option<Requests>, now: Timestamp, by: UserId) -> Result<Requests, ApiError> {
        let day = now.epoch_seconds() / SECONDS_PER_DAY;
        let count = before.as_ref().filter(|before| before.day == day).map_or(0, |before| before.count);
        if count >= self.per_day && !by.is_system() {
            let message = format!("You may request {} exports a day.", self.per_day);
            return Err(ApiError::new(ErrorCode::TooManyExports, message));
        }
        let version = before.map_or(0, |before| before.version) + 1;
        Ok(Requests { export_id: ExportId::generate(), day, count: count + 1, version })
    }
}

/// Requires that the user may export the conversation: an owner of a group or public conversation. Cost: up to six read units.
pub(super) async fn require_exporter(
    members: &Members,
    conversation: ConversationId,
    user: UserId,
) -> Result<(), ApiError> {
    let view = require_member(members.view(conversation, user).await.map_err(ReadError::from)?)?;
    if view.conversation.kind == ConversationType::Private {
        let message = "A private conversation cannot be exported. Its users can export what they see.";
        return Err(ApiError::new(ErrorCode::WrongConversationType, message));
    }
    if view.active.is_none_or(|member| member.role != Role::Owner) {
        return Err(ApiError::new(ErrorCode::NotAllowed, "Only an owner can export the conversation."));
    }
    Ok(())
}

/// Returns an export as its user sees it, without a link.
pub(super) fn shown(item: &ExportItem, now: Timestamp) -> Export {
    let is_stalled = item.state == ExportState::Running && now.since(item.progressed_at) > STALLED_AFTER;
    Export {
        export_id: item.export_id,
        subject: item.subject,
        files: item.files,
        state: if is_stalled { ExportState::Failed } else { item.state },
        reason: if is_stalled { Some(ExportFailure::Stalled) } else { item.reason },
        created_at: item.created_at,
        size: item.size,
        expires_at: item.expires_at,
        url: None,
        url_expires_at: None,
    }
}

/// Returns the end of the time for which an export is kept that is finished now.
pub(super) fn expiry(now: Timestamp) -> Timestamp {
    now.plus(KEPT_FOR)
}

fn new_export(export_id: ExportId, by: UserId, subject: Subject, files: bool, now: Timestamp) -> ExportItem {
    ExportItem {
        export_id,
        requested_by: by,
        subject,
        files,
        state: ExportState::Running,
        reason: None,
        created_at: now,
        progressed_at: now,
        upload_id: None,
        claimed_by: None,
        claimed_until: None,
        checkpoint: None,
        size: None,
        expires_at: None,
    }
}

/// Returns the key of those whose exports are counted together: a user, or what the system exports.
fn requester(by: UserId, subject: Subject) -> String {
    match subject {
        Subject::Conversation { conversation_id } if by.is_system() => format!("conversation#{conversation_id}"),
        _ => format!("user#{by}"),
    }
}

fn body(export_id: ExportId) -> ExportBody {
    ExportBody { export_id, round: 0 }
}

fn not_found() -> ApiError {
    ApiError::new(ErrorCode::ExportNotFound, "The export does not exist.")
}
