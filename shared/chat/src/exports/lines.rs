//! Profile, conversations, members and messages of an export, as JSON lines.

use domain::conversation::Conversation;
use domain::export::{ExportedMessages, Subject};
use domain::receipt::{MemberWatermarks, Watermark};
use domain::{ConversationId, FileId, Message, Period, Role, Seq, Timestamp, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use store::StoreError;
use store::dynamodb::exports::ExportItem;
use store::sql::users::Found;
use uuid::Uuid;

use super::contents::{Sources, has_others, if_visible, numbered};
use super::cursor::{Cursor, Place};
use super::output::{Output, OutputError};
use super::zip::MessagesOf;
use crate::log::PageRequest;
use crate::membership::MemberPage;

/// Conversations of an entry, and of one step of members.
const CONVERSATIONS_PER_STEP: usize = 100;

/// Conversations that are read at once.
const CONCURRENCY: usize = 8;

/// Members of a page.
const MEMBERS_PER_PAGE: usize = 100;

/// Messages of a page: as many as one query reads, with the one that tells whether more follow.
const MESSAGES_PER_PAGE: usize = 499;

/// Most pages of messages of one step.
const PAGES_PER_STEP: usize = 20;

/// Bytes with which an entry of JSON lines ends.
const ENTRY_BYTES: usize = 4 * 1024 * 1024;

/// A conversation as its user sees it, with the user's membership periods.
#[derive(Serialize)]
struct ConversationLine {
    #[serde(flatten)]
    conversation: Conversation,
    /// Absent for the system.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    periods: Vec<Period>,
}

/// A member, with the watermarks that the export's user may see.
#[derive(Serialize)]
struct MemberLine {
    conversation_id: ConversationId,
    user_id: UserId,
    /// `None` for a deleted user.
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    role: Role,
    joined_seq: Seq,
    joined_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<Timestamp>,
    delivered: Option<Watermark>,
    read: Option<Watermark>,
}

/// JSON lines that become one entry.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    count: u64,
}

impl Lines {
    fn push(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        serde_json::to_writer(&mut self.bytes, line)?;
        self.bytes.push(b'\n');
        self.count += 1;
        Ok(())
    }
}

impl Sources {
    /// Writes the profile of the export's user, if there is one.
    pub(super) async fn profile(&self, export: &ExportItem, output: &mut Output<'_>) -> Result<Cursor, OutputError> {
        if let Subject::User { user_id, .. } = export.subject
            && let Some(Found::User(user)) = self.users.get(&[user_id]).await?.pop()
        {
            output.add_json("profile.json", &user).await?;
        }
        Ok(Cursor::Conversations { after: None, entries: 0 })
    }

    /// Writes an entry of conversations.
    pub(super) async fn conversations(
        &self,
        export: &ExportItem,
        output: &mut Output<'_>,
        after: Option<ConversationId>,
        entries: u32,
    ) -> Result<Cursor, OutputError> {
        let ids = self.conversations_after(export, after, CONVERSATIONS_PER_STEP).await?;
        let Some(last) = ids.last().copied() else {
            let at = Place::After(None);
            let members = Cursor::Members { at, entries: 0 };
            return Ok(if has_others(export) {
                members
            } else {
                Cursor::Messages { at: Place::After(None), entries: 0 }
            });
        };
        let read = stream::iter(ids).map(|id| self.conversation(export, id)).buffered(CONCURRENCY);
        let mut lines = Lines::default();
        for line in read.try_collect::<Vec<_>>().await?.into_iter().flatten() {
            lines.push(&line)?;
        }
        output.saved.counts.conversations += lines.count;
        output.add_lines(numbered("conversations", entries), &lines.bytes, None).await?;
        let entries = entries + u32::from(lines.count > 0);
        Ok(Cursor::Conversations { after: Some(last), entries })
    }

    async fn conversation(
        &self,
        export: &ExportItem,
        id: ConversationId,
    ) -> Result<Option<ConversationLine>, StoreError> {
        let user = export.requested_by;
        let Some(conversation) = if_visible(self.inbox.conversation(id, user).await)? else { return Ok(None) };
        let periods = self.members.membership_periods(id, user).await?;
        Ok(Some(ConversationLine { conversation: Conversation { last_message: None, ..conversation }, periods }))
    }

    /// Writes an entry of members, of those conversations whose members the user may see.
    pub(super) async fn members(
        &self,
        export: &ExportItem,
        output: &mut Output<'_>,
        mut at: Place<UserId>,
        entries: u32,
    ) -> Result<Cursor, OutputError> {
        let mut lines = Lines::default();
        let mut is_last = false;
        for _ in 0..CONVERSATIONS_PER_STEP {
            let next = match at {
                Place::Within(conversation, after) => Some((conversation, Some(after))),
                Place::After(before) => {
                    self.conversations_after(export, before, 1).await?.pop().map(|next| (next, None))
                }
            };
            let Some((conversation, after)) = next else {
                is_last = true;
                break;
            };
            let page = self.member_page(export.requested_by, conversation, after).await?;
            let (page, cursor) = page.unwrap_or_default();
            for line in page {
                lines.push(&line)?;
            }
            at = cursor.map_or(Place::After(Some(conversation)), |user| Place::Within(conversation, user));
            if lines.bytes.len() >= ENTRY_BYTES {
                break;
            }
        }
        output.saved.counts.members += lines.count;
        output.add_lines(numbered("members", entries), &lines.bytes, None).await?;
        if is_last {
            return Ok(Cursor::Messages { at: Place::After(None), entries: 0 });
        }
        Ok(Cursor::Members { at, entries: entries + u32::from(lines.count > 0) })
    }

    async fn member_page(
        &self,
        user: UserId,
        conversation: ConversationId,
        after: Option<UserId>,
    ) -> Result<Option<(Vec<MemberLine>, Option<UserId>)>, StoreError> {
        let page = MemberPage::read(&self.members, conversation, user, after, MEMBERS_PER_PAGE);
        let marks = self.status_reader.of_members(conversation, user, after, MEMBERS_PER_PAGE);
        let (page, marks) = tokio::join!(page, marks);
        let (Some(page), Some((marks, _))) = (if_visible(page)?, if_visible(marks)?) else { return Ok(None) };
        let ids: Vec<UserId> = page.members.iter().map(|member| member.user_id).collect();
        let users = self.users.get(&ids).await?;
        let name_of = |id: UserId| {
            users.iter().find_map(|found| match found {
                Found::User(user) if user.user_id == id => Some(user.display_name.clone()),
                _ => None,
            })
        };
        let line = |member: &store::dynamodb::members::ActiveMember| {
            let mark = marks.iter().find(|mark| mark.user_id == member.user_id);
            MemberLine {
                conversation_id: conversation,
                user_id: member.user_id,
                display_name: name_of(member.user_id),
                role: member.role,
                joined_seq: member.joined_seq,
                joined_at: member.joined_at,
                muted_until: member.muted_until,
                delivered: mark.and_then(|MemberWatermarks { delivered, .. }| *delivered),
                read: mark.and_then(|MemberWatermarks { read, .. }| *read),
            }
        };
        Ok(Some((page.members.iter().map(line).collect(), page.cursor)))
    }

    /// Writes an entry of messages of one conversation, as history shows them to the user, or all of them in the export of a conversation.
    pub(super) async fn messages(
        &self,
        export: &ExportItem,
        output: &mut Output<'_>,
        at: Place<Seq>,
        entries: u32,
    ) -> Result<Cursor, OutputError> {
        let (conversation, mut after) = match at {
            Place::Within(conversation, after) => (conversation, after),
            Place::After(before) => match self.conversations_after(export, before, 1).await?.pop() {
                Some(conversation) => (conversation, Seq::ZERO),
                None if export.files => return Ok(Cursor::Files { after: FileId(Uuid::nil()), open: None }),
                None => return Ok(Cursor::Manifest),
            },
        };
        let (viewer, only) = match export.subject {
            Subject::Conversation { .. } => (UserId::SYSTEM, None),
            Subject::User { user_id, messages: ExportedMessages::Visible } => (user_id, None),
            Subject::User { user_id, messages: ExportedMessages::Sent } => (user_id, Some(user_id)),
        };
        let mut lines = Lines::default();
        let mut range: Option<(Seq, Seq)> = None;
        let mut has_more = true;
        for _ in 0..PAGES_PER_STEP {
            let log = &self.inbox.log;
            let read = log.exported(conversation, viewer, PageRequest::After(after), MESSAGES_PER_PAGE).await;
            let Some(page) = if_visible(read)? else {
                has_more = false;
                break;
            };
            let is_later = |message: &Message| message.sent_at > export.created_at;
            has_more = page.next.is_some() && !page.messages.last().is_some_and(is_later);
            for message in page.messages {
                if is_later(&message) || only.is_some_and(|user| message.sender_id != user) {
                    continue;
                }
                range = Some((range.map_or(message.seq, |(first, _)| first), message.seq));
                lines.push(&message)?;
            }
            after = page.next.unwrap_or(after);
            if !has_more || lines.bytes.len() >= ENTRY_BYTES {
                break;
            }
        }
        output.saved.counts.messages += lines.count;
        if let Some((first_seq, last_seq)) = range {
            let messages = MessagesOf { conversation_id: conversation, first_seq, last_seq, count: lines.count };
            let name = numbered(&format!("messages/{conversation}"), entries);
            output.add_lines(name, &lines.bytes, Some(messages)).await?;
        }
        Ok(if has_more {
            Cursor::Messages { at: Place::Within(conversation, after), entries: entries + u32::from(range.is_some()) }
        } else {
            Cursor::Messages { at: Place::After(Some(conversation)), entries: 0 }
        })
    }
}
