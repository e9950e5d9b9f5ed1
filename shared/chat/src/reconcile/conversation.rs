//! The comparison of one conversation.

use std::time::Duration;

use domain::conversation::Member;
use domain::period::SeqRange;
use domain::{ConversationId, MessageKind, Seq, Timestamp, UserId, subscription};
use store::StoreError;
use store::dynamodb::Write;
use store::dynamodb::members::ConversationItem;
use store::dynamodb::messages::{LogItem, Order, Transacted};
use store::sql::DataApiConnection;
use store::sql::reconcile::{ConversationRow, end_at, periods};
use store::sqs::RelayBody;
use uuid::Uuid;

use super::members::Expected;
use super::{Finding, FindingKind, Options, Reconciliation};

/// Membership periods in one statement; a response of the Data API has at most a megabyte.
const PAGE_SIZE: usize = 500;

/// Writes in one transaction of DynamoDB.
const MAX_WRITES: usize = 100;

/// Most members that the item names that begins a log anew.
const MAX_NAMED_MEMBERS: usize = 1_000;

/// Items of a log that are read at once.
const LOG_PAGE_SIZE: usize = 500;

impl Reconciliation {
    /// Compares a conversation that is locked.
    pub(super) async fn compare(
        &self,
        connection: &mut DataApiConnection,
        conversation: ConversationId,
        row: ConversationRow,
        options: Options,
    ) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        if row.waiting > 0 {
            let detail = format!("{} changes", row.waiting);
            findings.push(Finding::of(FindingKind::ChangesWaiting, conversation).detail(detail));
            if !options.mend {
                return Ok(findings);
            }
        }
        let members = &self.relay.members;
        let head = self.relay.messages.head(conversation, true).await?;
        let last = head.as_ref().map_or(Seq::ZERO, |head| head.seq);
        if head.is_none() {
            findings.push(Finding::of(FindingKind::NoLog, conversation));
        }
        let mut after = UserId(Uuid::nil());
        let (mut count, mut named, mut deleted, mut beyond_log) = (0_u32, Vec::new(), Vec::new(), false);
        loop {
            let mut rows = periods(connection, conversation, after, PAGE_SIZE).await?;
            let until = (rows.len() == PAGE_SIZE).then(|| rows.last().map(|row| row.user_id)).flatten();
            if let Some(last) = until {
                // Its other periods may be on the next page. A user has fewer periods than a page.
                rows.retain(|row| row.user_id != last);
            }
            let until = until.and_then(|_| rows.last().map(|row| row.user_id));
            let expected = Expected::of(conversation, &rows, last);
            beyond_log |= expected.beyond_log;
            deleted.extend(expected.deleted.iter().copied());
            count += u32::try_from(expected.active.len()).unwrap_or(u32::MAX);
            let as_member = |active: &store::dynamodb::members::ActiveMember| Member {
                user_id: active.user_id,
                role: active.role,
                muted_until: active.muted_until,
            };
            named.extend(expected.active.values().map(as_member).take(MAX_NAMED_MEMBERS.saturating_sub(named.len())));
            let (active, former) = members.entries(conversation, after, until).await?;
            let (found, writes) = expected.compare(members, conversation, active, former)?;
            findings.extend(found);
            if options.mend {
                for writes in writes.chunks(MAX_WRITES) {
                    self.write(writes.to_vec()).await?;
                }
            }
            match until {
                Some(until) => after = until,
                None => break,
            }
        }
        if beyond_log && head.is_some() {
            let detail = format!("the log ends at {last}");
            findings.push(Finding::of(FindingKind::LogIsOlder, conversation).detail(detail));
        }
        if options.mend && (beyond_log || row.waiting > 0) {
            end_at(connection, conversation, last).await?;
        }
        if options.mend {
            for user in deleted {
                self.relay_queue.send_relay(RelayBody::all_of(user), Duration::ZERO).await?;
            }
        }
        findings.extend(self.compare_blocks(conversation, &row, options).await?);
        findings.extend(self.compare_item(conversation, &row, head, count, named, options).await?);
        Ok(findings)
    }

    /// Compares `#conversation`, which is written last: with it, the conversation is as SQL has it. A log without items begins
    /// anew, with one that names the members.
    async fn compare_item(
        &self,
        conversation: ConversationId,
        row: &ConversationRow,
        head: Option<LogItem>,
        member_count: u32,
        named: Vec<Member>,
        options: Options,
    ) -> Result<Option<Finding>, StoreError> {
        let begins_anew = head.is_none();
        let head = head.unwrap_or_else(|| first_item(conversation, row, named));
        let shown = self.relay.members.conversation(conversation).await?;
        let expected = expected_item(conversation, row, &head, member_count, shown.as_ref());
        if shown.as_ref() == Some(&expected) && !begins_anew {
            return Ok(None);
        }
        if options.mend {
            let before = shown.as_ref().map(|item| item.version);
            let mut writes = vec![self.relay.members.put_conversation(&expected, before)?];
            if begins_anew {
                writes.push(self.relay.messages.put_in_transaction(&head)?);
            }
            self.write(writes).await?;
        }
        let versions = match &shown {
            Some(shown) => format!("version {} in SQL, {} in DynamoDB", row.version, shown.version),
            None => format!("version {} in SQL, none in DynamoDB", row.version),
        };
        Ok(Some(Finding::of(FindingKind::Conversation, conversation).detail(versions)))
    }

    async fn compare_blocks(
        &self,
        conversation: ConversationId,
        row: &ConversationRow,
        options: Options,
    ) -> Result<Option<Finding>, StoreError> {
        let Some(pair) = row.pair else { return Ok(None) };
        let members = &self.relay.members;
        let [one, other] = pair;
        let mut differs = false;
        for (blocker, blocked) in [(one, other), (other, one)] {
            let (target, source) = ([blocked], [blocker]);
            let (blocks, blockers) =
                tokio::try_join!(members.blocked_among(blocker, &target), members.blockers_among(blocked, &source))?;
            let expected = row.blocked_by.contains(&blocker);
            differs |= blocks.contains(&blocked) != expected || blockers.contains(&blocker) != expected;
        }
        if differs && options.mend {
            self.write(members.set_blocks(pair, &row.blocked_by)?).await?;
        }
        Ok(differs.then(|| Finding::of(FindingKind::Blocks, conversation)))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        match self.relay.messages.transact(writes).await? {
            Transacted::Written => Ok(()),
            // Somebody else wrote: the next run compares again.
            Transacted::Refused(source) => Err(StoreError::Busy { service: "DynamoDB", source }),
        }
    }

    /// Finds the first hole in a log after what has expired, in its archive as well.
    pub(super) async fn hole(&self, conversation: ConversationId) -> Result<Option<Finding>, StoreError> {
        let shown = self.relay.members.conversation(conversation).await?;
        let mut expected = shown.map_or(Seq::ZERO, |shown| shown.expired_seq).next();
        loop {
            let range = SeqRange { first: expected, last: Seq::MAX };
            let page = self.items.read(conversation, range, Order::Ascending, LOG_PAGE_SIZE, true).await?;
            for item in &page {
                if item.seq != expected {
                    let detail = format!("from {expected} to {}", item.seq.previous());
                    return Ok(Some(Finding::of(FindingKind::HoleInLog, conversation).detail(detail)));
                }
                expected = item.seq.next();
            }
            if page.len() < LOG_PAGE_SIZE {
                return Ok(None);
            }
        }
    }
}

/// The item that begins a log anew.
fn first_item(conversation: ConversationId, row: &ConversationRow, members: Vec<Member>) -> LogItem {
    let kind = MessageKind::Created {
        conversation_type: row.kind,
        title: row.title.clone(),
        topic: row.topic.clone(),
        history: row.history,
        members,
        custom: row.custom.clone(),
    };
    LogItem::new(conversation, Seq(1), row.created_by, Timestamp::now(), Seq(1), kind)
}

/// Builds `#conversation` from SQL and the end of the log. What only the projection knows is kept where it can be.
fn expected_item(
    conversation: ConversationId,
    row: &ConversationRow,
    head: &LogItem,
    member_count: u32,
    shown: Option<&ConversationItem>,
) -> ConversationItem {
    let same = shown.filter(|shown| shown.version == row.version && shown.changed_seq <= head.seq);
    let shards = subscription::shards(member_count).max(shown.map_or(1, |shown| shown.subscription_shards));
    ConversationItem {
        conversation_id: conversation,
        kind: row.kind,
        title: row.title.clone(),
        topic: row.topic.clone(),
        custom: row.custom.clone(),
        pinned_seqs: row.pinned_seqs.clone(),
        history: row.history,
        retention_days: row.retention_days,
        expired_seq: shown.map_or(Seq::ZERO, |shown| shown.expired_seq),
        pair: row.pair,
        blocked_by: row.blocked_by.clone(),
        closed: row.closed,
        departed: same.and_then(|shown| shown.departed),
        member_count,
        subscription_shards: shards,
        version: row.version,
        members_seq: head.members_seq,
        changed_seq: same.map_or(head.seq, |shown| shown.changed_seq),
        changed_at: same.map_or(head.sent_at, |shown| shown.changed_at),
    }
}
