//! The rules that hold for a log, whatever happened while it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::{ClientMessageId, MessageKind, UserId};
use store::dynamodb::LogItem;

use super::device::Sent;
use super::members::Change;
use super::writer::{Answer, Told};

/// A rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Seqs are 1, 2, 3, …
    NoHoles,
    Time,
    /// An item names the newest change of membership up to it.
    MembersSeq,
    /// All that the log holds was sent, with this content and by this sender.
    NothingElse,
    /// A message has one place.
    Once,
    /// Every answer with a message's seq agrees with the log.
    Truth,
    /// A message is a duplicate for every invocation but the one that wrote it.
    Duplicate,
    /// A message whose sender is refused as not a member is not in the log.
    Refusal,
    /// Nobody says anything while they are no member.
    Membership,
    /// An invocation that writes notifies exactly the members.
    Roster,
    /// No user is notified of messages that were sent while they were not a member, however often they are resent.
    Secret,
    /// Messages that are sent one after the other are in that order.
    Order,
    /// Every message is answered in the end, and not with nonsense.
    Answer,
}

/// A violation of a rule, with its seq.
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    detail: String,
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.detail)
    }
}

/// Everything that is known of one conversation.
pub(crate) struct Evidence {
    /// The log, read consistently when all was over.
    pub(crate) items: Vec<LogItem>,
    /// The messages of each device, in their order.
    pub(crate) devices: Vec<Vec<Sent>>,
    /// The members from the first item on.
    pub(crate) founders: BTreeSet<UserId>,
    pub(crate) changes: Vec<Change>,
}

/// All rules that are broken.
pub(crate) fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    evidence.of_the_log(&mut findings);
    evidence.of_the_texts(&mut findings);
    for sent in evidence.devices.iter().flatten() {
        evidence.of_a_message(sent, &mut findings);
    }
    for device in &evidence.devices {
        let places: Vec<u64> = device.iter().filter_map(|sent| Some(sent.told().next()?.item.seq.0)).collect();
        findings.expect(Rule::Order, places.is_sorted_by(|a, b| a < b), || format!("{places:?}"));
    }
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn expect(&mut self, rule: Rule, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Finding { rule, detail: detail() });
        }
    }
}

impl Evidence {
    fn of_the_log(&self, findings: &mut Findings) {
        let seqs: Vec<u64> = self.items.iter().map(|item| item.seq.0).collect();
        findings.expect(Rule::NoHoles, seqs.iter().copied().eq(1..=seqs.len() as u64), || format!("{seqs:?}"));
        for pair in self.items.windows(2) {
            findings.expect(Rule::Time, pair[0].sent_at < pair[1].sent_at, || format!("{pair:?}"));
        }
        for item in &self.items {
            let newest = self.changes_up_to(item.seq.0).last().map_or(1, |change| change.seq);
            findings.expect(Rule::MembersSeq, item.members_seq.0 == newest, || format!("{newest}, not {item:?}"));
        }
    }

    /// The log against all that was sent.
    fn of_the_texts(&self, findings: &mut Findings) {
        let sent = self.devices.iter().flatten().map(|sent| (sent.draft.client_message_id, &sent.draft));
        let drafts: BTreeMap<ClientMessageId, _> = sent.collect();
        let mut places: BTreeMap<ClientMessageId, Vec<u64>> = BTreeMap::new();
        for item in &self.items {
            let Some(id) = item.client_message_id else {
                let known = item.seq.0 == 1 || self.changes.iter().any(|change| change.seq == item.seq.0);
                findings.expect(Rule::NothingElse, known, || format!("{item:?}"));
                continue;
            };
            places.entry(id).or_default().push(item.seq.0);
            let as_sent = drafts.get(&id).is_some_and(|draft| {
                draft.sender_id == item.sender_id && item.kind == MessageKind::Text(draft.content.clone())
            });
            findings.expect(Rule::NothingElse, as_sent, || format!("{item:?}"));
            let member = self.members_at(item.seq.0).contains(&item.sender_id);
            findings.expect(Rule::Membership, member, || format!("{item:?} of {:?}", self.changes));
        }
        for (id, places) in places {
            findings.expect(Rule::Once, places.len() == 1, || format!("{id:?} is at {places:?}"));
        }
    }

    fn of_a_message(&self, sent: &Sent, findings: &mut Findings) {
        let about = || format!("{:?} {:?}", sent.draft, sent.rounds);
        for told in sent.told() {
            let own = told.item.client_message_id == Some(sent.draft.client_message_id);
            let there = self.items.iter().find(|item| item.seq == told.item.seq);
            let truth = own && there == Some(&told.item);
            findings.expect(Rule::Truth, truth, || format!("{there:?} after {}", about()));
            let members = self.members_at(told.item.seq.0);
            let allowed = told.audience.iter().all(|user| members.contains(user));
            findings.expect(Rule::Secret, allowed, || format!("{members:?} at {told:?}"));
        }
        let fresh: Vec<&Told> = sent.told().filter(|told| !told.duplicate).collect();
        findings.expect(Rule::Duplicate, fresh.len() <= 1, about);
        if let Some([only]) = sent.rounds.first().map(Vec::as_slice) {
            let first = !matches!(&only.answer, Some(Answer::Told(told)) if told.duplicate);
            findings.expect(Rule::Duplicate, first, about);
        }
        for told in fresh {
            let all: BTreeSet<UserId> = told.audience.iter().copied().collect();
            let members = self.members_at(told.item.seq.0);
            findings.expect(Rule::Roster, all == members, || format!("{members:?} at {told:?}"));
        }
        for call in sent.refused() {
            findings.expect(Rule::Refusal, !self.was_heard(sent, call.knew), about);
        }
        for call in sent.calls() {
            if let Some(Answer::Unexpected(answer)) = &call.answer {
                findings.expect(Rule::Answer, false, || format!("{answer} to {:?}", sent.draft));
            }
        }
        findings.expect(Rule::Answer, sent.is_answered(), about);
    }

    /// Returns true if the message lies in a membership period that had begun by the change at `knew`. A later period does not
    /// count for an invocation that may have read before it.
    fn was_heard(&self, sent: &Sent, knew: u64) -> bool {
        let draft = &sent.draft;
        let Some(item) = self.items.iter().find(|item| item.client_message_id == Some(draft.client_message_id)) else {
            return false;
        };
        let of_the_sender = self.changes_up_to(item.seq.0).filter(|change| change.user == draft.sender_id);
        of_the_sender.last().is_none_or(|joined| joined.seq <= knew)
    }

    fn changes_up_to(&self, seq: u64) -> impl Iterator<Item = &Change> {
        self.changes.iter().take_while(move |change| change.seq <= seq)
    }

    /// Returns the members after the item at `seq`.
    fn members_at(&self, seq: u64) -> BTreeSet<UserId> {
        let mut members = self.founders.clone();
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
