//! Everything that is stored about one conversation, in SQL and in DynamoDB, and checks that the two agree.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use chat::archive::Items;
use domain::period::{Left, SeqRange};
use domain::{ConversationId, ConversationType, MessageKind, Period, Role, Seq, Timestamp, UserId};
use serde::Deserialize;
use sqlx_data_api::{query_as, query_scalar};
use store::dynamodb::members::{ActiveMember, ConversationItem};
use store::dynamodb::messages::{LogItem, Order};
use uuid::Uuid;

use crate::{Cloud, aws};

/// Time that a worker may take on a busy machine, cold start included.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A snapshot, taken piece by piece: whole only where nothing changes meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredState {
    /// The conversation in SQL; `None` where there is none.
    pub conversation_row: Option<ConversationRow>,
    /// Membership periods in SQL, oldest first.
    pub period_rows: Vec<PeriodRow>,
    /// Versions that wait in the outbox.
    pub outbox: Vec<i64>,
    pub conversation: Option<ConversationItem>,
    pub active: BTreeMap<UserId, ActiveMember>,
    pub former: BTreeMap<UserId, Vec<Period>>,
    /// Rows and archived items, without what has expired.
    pub log: Vec<LogItem>,
}

/// A row of `conversations`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationRow {
    /// Number of its changes.
    pub version: i64,
    pub kind: String,
    pub title: Option<String>,
    pub topic: Option<String>,
    /// Its text.
    pub custom: Option<String>,
    /// Seqs of the pinned messages.
    pub pinned_seqs: Vec<i64>,
    pub closed: bool,
    pub member_count: i32,
    /// The users of a private conversation who block.
    pub blocked_by: Vec<Uuid>,
}

/// A row of `conversation_members`.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodRow {
    pub user_id: UserId,
    pub role: Role,
    /// Version, seq and time of joining.
    pub joined: (i64, Option<i64>, i64),
    pub left: Option<(i64, Option<i64>, i64)>,
    pub removed_by: Option<UserId>,
    /// End of the mute.
    pub muted_until: Option<i64>,
}

#[derive(Deserialize)]
struct FormerItem {
    user_id: UserId,
    periods: Vec<Period>,
}

type ConversationColumns =
    (i64, String, Option<String>, Option<String>, Option<String>, Vec<i64>, bool, i32, Vec<Uuid>);

type PeriodColumns =
    (Uuid, String, i64, Option<i64>, i64, Option<i64>, Option<i64>, Option<i64>, Option<Uuid>, Option<i64>);

impl StoredState {
    /// Reads everything that is stored about this conversation.
    ///
    /// # Panics
    ///
    /// If something cannot be read.
    pub async fn of(cloud: &Cloud, conversation: &str) -> Self {
        let id: ConversationId = conversation.parse().expect("the id of a conversation");
        let pool = aws::database(cloud);
        // First: where nothing waits by then, all else is as the last change left it.
        let outbox = query_scalar("SELECT version FROM outbox WHERE conversation_id = $1 ORDER BY version")
            .bind(id.0)
            .fetch_all(&pool)
            .await
            .expect("the outbox");
        let columns: Option<ConversationColumns> = query_as(
            "SELECT version, type, title, topic, custom, pinned_seqs, closed_at IS NOT NULL, member_count, blocked_by
             FROM conversations WHERE conversation_id = $1",
        )
        .bind(id.0)
        .fetch_optional(&pool)
        .await
        .expect("the conversation's row");
        let period_rows: Vec<PeriodColumns> = query_as(
            "SELECT user_id, role, joined_version, joined_seq, floor(extract(epoch FROM joined_at) * 1000)::bigint,
                left_version, left_seq, floor(extract(epoch FROM left_at) * 1000)::bigint, removed_by,
                floor(extract(epoch FROM muted_until) * 1000)::bigint
             FROM conversation_members WHERE conversation_id = $1 ORDER BY joined_version, user_id",
        )
        .bind(id.0)
        .fetch_all(&pool)
        .await
        .expect("the membership periods");
        let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
        let everything = SeqRange { first: Seq::ZERO, last: Seq::MAX };
        let items = Items { messages: aws::log(&dynamodb).messages, archive: Some(aws::archive(cloud)) };
        let log = items.read(id, everything, Order::Ascending, usize::MAX, true).await.expect("the log");
        let mut state = Self {
            conversation_row: columns.map(
                |(version, kind, title, topic, custom, pinned_seqs, closed, member_count, blocked_by)| {
                    ConversationRow {
                        version,
                        kind,
                        title,
                        topic,
                        custom,
                        pinned_seqs,
                        closed,
                        member_count,
                        blocked_by,
                    }
                },
            ),
            period_rows: period_rows.into_iter().map(PeriodRow::from).collect(),
            outbox,
            conversation: None,
            active: BTreeMap::new(),
            former: BTreeMap::new(),
            log,
        };
        state.read_members(&dynamodb, id).await;
        // It may still be stored.
        let expired_seq = state.expired_seq();
        state.log.retain(|item| item.seq > expired_seq);
        state
    }

    /// Returns the seq up to which everything has expired.
    pub fn expired_seq(&self) -> Seq {
        self.conversation.as_ref().map_or(Seq::ZERO, |item| item.expired_seq)
    }

    async fn read_members(&mut self, dynamodb: &aws_sdk_dynamodb::Client, conversation: ConversationId) {
        let mut start = None;
        loop {
            let page = dynamodb
                .query()
                .table_name(aws::MEMBERS)
                .key_condition_expression("conversation_id = :conversation")
                .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .expect("the projection");
            for item in page.items.unwrap_or_default() {
                self.add_item(item);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return;
            }
        }
    }

    fn add_item(&mut self, item: HashMap<String, AttributeValue>) {
        let entry = item["entry"].as_s().expect("a sort key").clone();
        if entry == "#conversation" {
            self.conversation = Some(serde_dynamo::from_item(item).expect("#conversation"));
        } else if entry.starts_with("a#") {
            let member: ActiveMember = serde_dynamo::from_item(item).expect("an active member");
            assert_eq!(entry, format!("a#{}", member.user_id));
            self.active.insert(member.user_id, member);
        } else {
            let former: FormerItem = serde_dynamo::from_item(item).expect("former membership periods");
            assert_eq!(entry, format!("p#{}", former.user_id));
            self.former.insert(former.user_id, former.periods);
        }
    }

    /// Waits until nothing of the conversation waits in the outbox, and checks all of it.
    ///
    /// # Panics
    ///
    /// Where that does not come, or SQL, projection and log disagree.
    pub async fn after_relay(cloud: &Cloud, conversation: &str) -> Self {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let state = Self::of(cloud, conversation).await;
            if state.outbox.is_empty() {
                state.check();
                return state;
            }
            assert!(Instant::now() < deadline, "changes are still in the outbox: {:?}", state.outbox);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Checks that SQL, projection and log agree.
    ///
    /// # Panics
    ///
    /// Where they do not.
    pub fn check(&self) {
        assert_eq!(self.outbox, [] as [i64; 0], "the outbox of {:?}", self.conversation_row);
        let conversation_row = self.conversation_row.as_ref().expect("a row of the conversation");
        let projected = self.conversation.as_ref().expect("the conversation's item");
        let item = ConversationRow {
            version: i64::try_from(projected.version).expect("a version"),
            kind: projected.kind.as_str().to_owned(),
            title: projected.title.clone(),
            topic: projected.topic.clone(),
            custom: projected.custom.as_ref().map(domain::Custom::canonical),
            pinned_seqs: projected.pinned_seqs.iter().map(|seq| seq.0.cast_signed()).collect(),
            closed: projected.closed,
            member_count: i32::try_from(projected.member_count).expect("a number of members"),
            blocked_by: projected.blocked_by.iter().map(|user| user.0).collect(),
        };
        assert_eq!(*conversation_row, item, "SQL and #conversation");
        let current: Vec<&PeriodRow> = self.period_rows.iter().filter(|row| row.left.is_none()).collect();
        assert_eq!(
            conversation_row.member_count,
            i32::try_from(current.len()).expect("a number of members"),
            "member_count"
        );
        let owned = current.iter().any(|row| row.role == Role::Owner);
        assert!(owned || conversation_row.closed || conversation_row.kind == "private", "no owner: {self:#?}");
        assert!(!current.is_empty() || conversation_row.closed, "a conversation without members is not closed");

        let active = current.iter().map(|row| (row.user_id, row.active(projected.conversation_id))).collect();
        assert_eq!(self.active, active, "active members");
        let mut former: BTreeMap<UserId, Vec<Period>> = BTreeMap::new();
        for row in self.period_rows.iter().filter(|row| row.left.is_some()) {
            former.entry(row.user_id).or_default().push(row.period());
        }
        assert_eq!(self.former, former, "former membership periods");
        self.check_log(projected);
    }

    fn check_log(&self, projected: &ConversationItem) {
        let expired_seq = self.expired_seq();
        let is_whole = expired_seq == Seq::ZERO;
        // The changes of members before the first item that is left are unknown.
        let first = self.log.first().filter(|_| !is_whole);
        let mut members_seq = first.map_or(Seq::ZERO, |item| item.members_seq);
        let (mut before, mut changes) = (Timestamp::from_epoch_millis(0), 0);
        for (item, seq) in self.log.iter().zip(expired_seq.next().0..) {
            assert_eq!(item.seq, Seq(seq), "the log has a hole");
            assert!(item.sent_at > before, "sent_at decreases at {seq}");
            before = item.sent_at;
            let is_event = item.kind.target().is_some();
            // What is left of an erased reaction is no change of the members.
            let is_left = matches!(item.kind, MessageKind::UserErased { .. }) && item.members_seq != item.seq;
            if !is_event && !is_left && !matches!(item.kind, MessageKind::Text(_) | MessageKind::Deleted { .. }) {
                (members_seq, changes) = (item.seq, changes + 1);
            }
            assert_eq!(item.members_seq, members_seq, "members_seq of {item:?}");
        }
        if is_whole || !self.log.is_empty() {
            assert_eq!(projected.members_seq, members_seq, "members_seq of the projection");
        }
        match projected.kind {
            ConversationType::Group if is_whole => {
                assert_eq!(changes, projected.version, "number of changes in the log");
            }
            _ => assert!(changes <= projected.version, "a change is in the log twice"),
        }
        if projected.kind == ConversationType::Group && is_whole {
            assert_eq!(self.replayed(), self.periods(), "membership periods by the log and by SQL");
        }
    }

    /// Returns all membership periods by SQL, and the roles.
    fn periods(&self) -> BTreeMap<UserId, (Vec<Period>, Option<Role>)> {
        let mut all: BTreeMap<UserId, (Vec<Period>, Option<Role>)> = BTreeMap::new();
        for row in &self.period_rows {
            let (periods, role) = all.entry(row.user_id).or_default();
            periods.push(row.period());
            *role = row.left.is_none().then_some(row.role);
        }
        all
    }

    /// Returns all membership periods by the system messages.
    fn replayed(&self) -> BTreeMap<UserId, (Vec<Period>, Option<Role>)> {
        let mut all: BTreeMap<UserId, (Vec<Period>, Option<Role>)> = BTreeMap::new();
        for item in &self.log {
            let change = domain::membership::Change::Logged { actor: item.sender_id, item: item.kind.clone() };
            let effect = change.effect();
            for member in &effect.joined {
                let (periods, role) = all.entry(member.user_id).or_default();
                assert!(role.replace(member.role).is_none(), "{} joins twice", member.user_id);
                periods.push(Period { joined_seq: item.seq, joined_at: item.sent_at, left: None });
            }
            if let Some(departure) = effect.left {
                let (periods, role) = all.entry(departure.user_id).or_default();
                assert!(role.take().is_some(), "{} leaves twice", departure.user_id);
                periods.last_mut().expect("a membership period").left = Some(Left { seq: item.seq, at: item.sent_at });
            }
            if let Some((user, role)) = effect.role {
                assert!(all.entry(user).or_default().1.replace(role).is_some(), "{user} is not a member");
            }
        }
        all
    }

    /// The kinds of what is in the log, in order.
    ///
    /// # Panics
    ///
    /// Never: every item has a kind.
    pub fn kinds(&self) -> Vec<String> {
        let kind = |item: &LogItem| {
            let json = serde_json::to_value(&item.kind).expect("an item is JSON");
            json["kind"].as_str().expect("a kind").to_owned()
        };
        self.log.iter().map(kind).collect()
    }

    /// The role of a member.
    ///
    /// # Panics
    ///
    /// Where the id is none.
    pub fn role(&self, user: &str) -> Option<Role> {
        self.active.get(&user.parse().expect("the id of a user")).map(|member| member.role)
    }
}

impl From<PeriodColumns> for PeriodRow {
    fn from(columns: PeriodColumns) -> Self {
        let (user, role, joined_version, joined_seq, joined_at, left_version, left_seq, left_at, removed_by, muted) =
            columns;
        Self {
            user_id: UserId(user),
            role: Role::parse(&role).expect("a role"),
            joined: (joined_version, joined_seq, joined_at),
            left: left_version.map(|version| (version, left_seq, left_at.expect("a time"))),
            removed_by: removed_by.map(UserId),
            muted_until: muted,
        }
    }
}

impl PeriodRow {
    fn active(&self, conversation_id: ConversationId) -> ActiveMember {
        let Period { joined_seq, joined_at, .. } = self.period();
        ActiveMember {
            conversation_id,
            user_id: self.user_id,
            role: self.role,
            joined_seq,
            joined_at,
            muted_until: self.muted_until.map(Timestamp::from_epoch_millis),
        }
    }

    fn period(&self) -> Period {
        let seq_of = |seq: Option<i64>| Seq(seq.expect("the change has reached the log").unsigned_abs());
        let (_, joined_seq, joined_at) = self.joined;
        Period {
            joined_seq: seq_of(joined_seq),
            joined_at: Timestamp::from_epoch_millis(joined_at),
            left: self.left.map(|(_, seq, at)| Left { seq: seq_of(seq), at: Timestamp::from_epoch_millis(at) }),
        }
    }
}
