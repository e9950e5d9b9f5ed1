//! Who was a member of a conversation when: the members that the file lists, and what its system messages say.

use domain::conversation::Member;
use domain::{Message, MessageKind, Period, Role, Seq, Timestamp, UserId};

use super::lines::MemberLine;
use super::members::{Current, Listed, PlannedMember, ended};
use super::plan::PlannedConversation;

impl PlannedConversation {
    /// Notes a member whom the file lists. Returns false for one who is listed twice.
    pub(super) fn list(&mut self, line: MemberLine) -> bool {
        self.has_members = true;
        let member = self.members.entry(line.user_id).or_default();
        let listed = Listed {
            role: line.role,
            joined: line.joined_seq.zip(line.joined_at),
            muted_until: line.muted_until,
            periods: line.periods,
        };
        member.listed.replace(listed).is_none()
    }

    /// Follows what a message says about members.
    pub(super) fn follow(&mut self, message: &Message) {
        let (seq, at, sender) = (message.seq, message.sent_at, message.sender_id);
        match &message.kind {
            MessageKind::Created { members, .. } | MessageKind::MembersAdded { members } => {
                for member in members {
                    self.joins(*member, seq, at);
                }
            }
            MessageKind::MemberLeft { promoted, .. } => {
                self.leaves(sender, seq, at);
                if let Some(user) = promoted {
                    self.change(*user, |current| current.role = Role::Owner);
                }
            }
            MessageKind::MemberRemoved { user_id } => self.leaves(*user_id, seq, at),
            MessageKind::RoleChanged { user_id, role } => self.change(*user_id, |current| current.role = *role),
            MessageKind::MemberMuted { user_id, muted_until } => {
                self.change(*user_id, |current| current.muted_until = *muted_until);
            }
            _ => {}
        }
    }

    fn joins(&mut self, Member { user_id, role, muted_until }: Member, joined_seq: Seq, joined_at: Timestamp) {
        let member = self.members.entry(user_id).or_default();
        member.current.get_or_insert(Current { role, joined_seq, joined_at, muted_until });
    }

    fn leaves(&mut self, user: UserId, seq: Seq, at: Timestamp) {
        let Some(member) = self.members.get_mut(&user) else { return };
        member.past.extend(member.current.take().map(|current| ended(current, seq, at)));
    }

    fn change(&mut self, user: UserId, change: impl FnOnce(&mut Current)) {
        if let Some(current) = self.members.get_mut(&user).and_then(|member| member.current.as_mut()) {
            change(current);
        }
    }

    /// Returns every user with the current membership period, if there is one, and the ended ones, once the whole file has been read.
    pub(super) fn memberships(&self) -> Vec<(UserId, Option<Current>, Vec<Period>)> {
        let mut all: Vec<_> = self
            .members
            .iter()
            .filter(|(user, _)| !user.is_system())
            .map(|(user, member)| self.membership(*user, member))
            .collect();
        let is_current = |role: Option<Role>| {
            move |(_, current, _): &(UserId, Option<Current>, Vec<Period>)| {
                current.is_some_and(|current| role.is_none_or(|role| current.role == role))
            }
        };
        if self.line.kind != domain::ConversationType::Private && !all.iter().any(is_current(Some(Role::Owner))) {
            // As when the last owner leaves: an admin, or the one who has been a member for longest.
            let next = all.iter_mut().filter(|membership| is_current(None)(membership));
            let next =
                next.min_by_key(|(user, current, _)| current.map(|current| (current.role, current.joined_seq, *user)));
            if let Some((_, Some(current), _)) = next {
                current.role = Role::Owner;
            }
        }
        all
    }

    fn membership(&self, user: UserId, member: &PlannedMember) -> (UserId, Option<Current>, Vec<Period>) {
        let first = self.times.map_or(Timestamp::MIN, |(first, _)| first);
        let end = |current| {
            let (seq, at) = (self.seqs.last().unwrap_or(Seq::ZERO), self.times.map_or(first, |(_, last)| last));
            ended(current, seq, at)
        };
        let Some(listed) = &member.listed else {
            // The file lists the current members, and this is none.
            let (current, left) = if self.has_members { (None, member.current) } else { (member.current, None) };
            let past = member.past.iter().copied().chain(left.map(end)).collect();
            return (user, current, past);
        };
        let mut past = if listed.periods.is_empty() { member.past.clone() } else { listed.periods.clone() };
        past.retain(|period| period.left.is_some());
        let by_messages = member.current.map(|current| (current.joined_seq, current.joined_at));
        let (joined_seq, joined_at) = listed.joined.or(by_messages).unwrap_or((Seq(1), first));
        let current = listed.role.map(|role| Current { role, joined_seq, joined_at, muted_until: listed.muted_until });
        if current.is_none() && past.is_empty() {
            past.extend(member.current.map(end));
        }
        (user, current, past)
    }
}
