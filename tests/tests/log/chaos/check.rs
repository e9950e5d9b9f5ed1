//! The rules that hold for a log, whatever happened while it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use domain::{ClientMessageId, MessageKind, Timestamp, UserId};
use store::dynamodb::LogItem;

use super::sent::Sent;
use super::writer::{Accepted, Answer};

/// A rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Seqs are 1, 2, 3, …
    NoHoles,
    IncreasingTime,
    /// An item names the newest change of membership up to it.
    MembersSeq,
    /// Every message of the log was sent, with this content and by this sender.
    OnlySentMessages,
    /// A message is in the log once.
    OneSeqPerMessage,
    /// Every answer with a message's seq agrees with the log.
    AnswersMatchLog,
    /// A message is a duplicate for every invocation but the one that wrote it.
    Duplicate,
    /// A message whose sender is refused, as not a member or as not having seen that they were added again, is not in the log.
    Refusal,
    /// Every sender is a member at the seq of their message.
    Membership,
    /// An invocation that writes notifies exactly the members.
    Roster,
    /// No user is notified of messages that were sent while they were not a member, however often they are resent.
    NoDisclosure,
    /// Messages that are sent one after the other, or in one batch, are in that order.
    Order,
    /// Every message is answered eventually, with an expected answer.
    Answer,
    /// Every event has its effect on its message, and every effect its event.
    #[allow(dead_code, reason = "only the simulation amends messages")]
    Effect,
    /// For each seq the earliest receipt counts.
    #[allow(dead_code, reason = "only the simulation acknowledges messages")]
    Receipt,
    /// A page has exactly what its reader may see.
    #[allow(dead_code, reason = "only the simulation reads pages")]
    Read,
}

/// A violation of a rule, with its seq.
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    detail: String,
}

impl Violation {
    pub(crate) const fn new(rule: Rule, detail: String) -> Self {
        Self { rule, detail }
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.detail)
    }
}

/// A change of membership.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) user: UserId,
    /// True for an addition, false for a removal.
    pub(crate) joined: bool,
    /// The time of a change without an item. The newest item before it is at `seq`.
    pub(crate) silent: Option<Timestamp>,
}

/// Time for which somebody who has left without an item may still write what is under way.
const UNDER_WAY: Duration = Duration::from_secs(15);

/// Everything that a run has recorded of one conversation.
pub(crate) struct RunRecord {
    /// The log, read consistently at the end of the run.
    pub(crate) items: Vec<LogItem>,
    /// The messages of each device, in their order.
    pub(crate) devices: Vec<Vec<Sent>>,
    /// The members from the first item on.
    pub(crate) initial_members: BTreeSet<UserId>,
    pub(crate) changes: Vec<Change>,
}

/// Returns all violations of the log's rules in a run.
pub(crate) fn check(record: &RunRecord) -> Vec<Violation> {
    let mut violations = Violations(Vec::new());
    record.check_log(&mut violations);
    record.check_messages(&mut violations);
    for sent in record.devices.iter().flatten() {
        record.check_answers(sent, &mut violations);
    }
    for device in &record.devices {
        let accepted = |sent: &Sent| Some(sent.accepted().next()?.item.seq);
        let logged = |sent: &Sent| Some(record.logged(sent)?.seq);
        for seqs in [device.iter().filter_map(accepted).collect::<Vec<_>>(), device.iter().filter_map(logged).collect()]
        {
            violations.expect(Rule::Order, seqs.is_sorted_by(|a, b| a < b), || format!("{seqs:?}"));
        }
    }
    violations.0
}

struct Violations(Vec<Violation>);

impl Violations {
    fn expect(&mut self, rule: Rule, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation::new(rule, detail()));
        }
    }
}

impl RunRecord {
    fn check_log(&self, violations: &mut Violations) {
        let seqs: Vec<u64> = self.items.iter().map(|item| item.seq.0).collect();
        violations.expect(Rule::NoHoles, seqs.iter().copied().eq(1..=seqs.len() as u64), || format!("{seqs:?}"));
        for pair in self.items.windows(2) {
            violations.expect(Rule::IncreasingTime, pair[0].sent_at < pair[1].sent_at, || format!("{pair:?}"));
        }
        for item in &self.items {
            let logged = self.changes_up_to(item.seq.0).filter(|change| change.silent.is_none());
            let newest = logged.last().map_or(1, |change| change.seq);
            violations.expect(Rule::MembersSeq, item.members_seq.0 == newest, || format!("{newest}, not {item:?}"));
        }
    }

    /// Compares the log with the messages that were sent.
    fn check_messages(&self, violations: &mut Violations) {
        let sent = self.devices.iter().flatten().map(|sent| (sent.draft.client_message_id, &sent.draft));
        let drafts: BTreeMap<ClientMessageId, _> = sent.collect();
        let mut seqs_by_id: BTreeMap<ClientMessageId, Vec<u64>> = BTreeMap::new();
        for item in &self.items {
            let Some(id) = item.client_message_id else {
                let known = item.seq.0 == 1
                    || item.kind.target().is_some()
                    || self.changes.iter().any(|change| change.seq == item.seq.0);
                violations.expect(Rule::OnlySentMessages, known, || format!("{item:?}"));
                continue;
            };
            seqs_by_id.entry(id).or_default().push(item.seq.0);
            let as_sent = drafts.get(&id).is_some_and(|draft| {
                draft.sender_id == item.sender_id && item.kind == MessageKind::Text(draft.content.clone())
            });
            violations.expect(Rule::OnlySentMessages, as_sent, || format!("{item:?}"));
            let member = self.members_at(item.seq.0).contains(&item.sender_id) || self.has_just_left(item);
            violations.expect(Rule::Membership, member, || format!("{item:?} of {:?}", self.changes));
        }
        for (id, seqs) in seqs_by_id {
            violations.expect(Rule::OneSeqPerMessage, seqs.len() == 1, || format!("{id:?} is at {seqs:?}"));
        }
    }

    fn check_answers(&self, sent: &Sent, violations: &mut Violations) {
        let about = || format!("{:?} {:?}", sent.draft, sent.rounds);
        for accepted in sent.accepted() {
            let own = accepted.item.client_message_id == Some(sent.draft.client_message_id);
            let logged = self.items.iter().find(|item| item.seq == accepted.item.seq);
            let matches = own && logged == Some(&accepted.item);
            violations.expect(Rule::AnswersMatchLog, matches, || format!("{logged:?} after {}", about()));
            if self.is_public() {
                continue;
            }
            let members = self.members_at(accepted.item.seq.0);
            let allowed = accepted.audience.iter().all(|user| members.contains(user));
            violations.expect(Rule::NoDisclosure, allowed, || format!("{members:?} at {accepted:?}"));
        }
        let fresh: Vec<&Accepted> = sent.accepted().filter(|accepted| !accepted.duplicate).collect();
        violations.expect(Rule::Duplicate, fresh.len() <= 1, about);
        if let Some([only]) = sent.rounds.first().map(Vec::as_slice) {
            let first = !matches!(&only.answer, Some(Answer::Accepted(accepted)) if accepted.duplicate);
            violations.expect(Rule::Duplicate, first, about);
        }
        for accepted in fresh {
            if self.is_public() {
                continue;
            }
            let all: BTreeSet<UserId> = accepted.audience.iter().copied().collect();
            let members = self.members_at(accepted.item.seq.0);
            violations.expect(Rule::Roster, all == members, || format!("{members:?} at {accepted:?}"));
        }
        for _ in sent.refused() {
            violations.expect(Rule::Refusal, self.logged(sent).is_none(), about);
        }
        for call in sent.calls() {
            if let Some(Answer::Unexpected(answer)) = &call.answer {
                violations.expect(Rule::Answer, false, || format!("{answer} to {:?}", sent.draft));
            }
        }
        violations.expect(Rule::Answer, sent.is_answered(), about);
    }

    /// Returns true if users come and go without an item. Those who are notified have a subscription then: the roster says nothing.
    fn is_public(&self) -> bool {
        self.changes.iter().any(|change| change.silent.is_some())
    }

    /// Returns true if the sender has left without an item, and not long before.
    pub(crate) fn has_just_left(&self, item: &LogItem) -> bool {
        let left = self.changes_up_to(item.seq.0).filter(|change| change.user == item.sender_id).last();
        let until = left.and_then(|left| left.silent).map(|at| at.plus(UNDER_WAY));
        until.is_some_and(|until| item.sent_at <= until)
    }

    /// Returns the item of the message.
    fn logged(&self, sent: &Sent) -> Option<&LogItem> {
        self.items.iter().find(|item| item.client_message_id == Some(sent.draft.client_message_id))
    }

    fn changes_up_to(&self, seq: u64) -> impl Iterator<Item = &Change> {
        self.changes.iter().take_while(move |change| change.seq <= seq)
    }

    /// Returns the members after the item at `seq`.
    pub(crate) fn members_at(&self, seq: u64) -> BTreeSet<UserId> {
        let mut members = self.initial_members.clone();
        for change in self.changes_up_to(seq) {
            if change.joined {
                members.insert(change.user)
            } else {
                members.remove(&change.user)
            };
        }
        members
    }
}
