//! Members of a room, by the events about them.

use std::collections::BTreeMap;

use domain::period::Left;
use domain::{Period, Role, Seq, Timestamp};

use super::model::Event;

/// A user of a room.
#[derive(Clone, Debug, Default)]
pub(super) struct MemberOf {
    pub(super) name: Option<String>,
    pub(super) joined: Option<(Seq, Timestamp)>,
    pub(super) periods: Vec<Period>,
    /// True once an event is about the user: others were members before the export begins.
    is_told: bool,
}

/// Users of a room by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    pub(super) users: BTreeMap<String, MemberOf>,
    /// Power level of each user who has one of their own.
    levels: BTreeMap<String, i64>,
    creator: Option<String>,
}

impl Members {
    /// Follows an event after so many messages.
    pub(super) fn follow(&mut self, event: &Event, at: Timestamp, messages: u64) {
        match event.kind.as_str() {
            "m.room.create" => self.creator = Some(event.sender.clone()),
            "m.room.power_levels" => {
                let levels = event.content.users.as_object().into_iter().flatten();
                self.levels = levels.filter_map(|(user, level)| Some((user.clone(), level.as_i64()?))).collect();
            }
            "m.room.member" => {
                let Some(user) = &event.state_key else { return };
                let member = self.users.entry(user.clone()).or_default();
                if let Some(name) = &event.content.displayname {
                    member.name = Some(name.clone());
                }
                match event.content.membership.as_deref() {
                    Some("join") => {
                        member.joined.get_or_insert((Seq(messages + 1), at));
                    }
                    Some("leave" | "ban") if member.joined.is_some() || !member.is_told => {
                        let (joined_seq, joined_at) = member.joined.take().unwrap_or((Seq(1), at));
                        if messages > 0 {
                            let left = Left { seq: Seq(messages).max(joined_seq.previous()), at: at.max(joined_at) };
                            member.periods.push(Period { joined_seq, joined_at, left: Some(left) });
                        }
                    }
                    _ => {}
                }
                member.is_told = true;
            }
            _ => {
                self.users.entry(event.sender.clone()).or_default();
            }
        }
    }

    /// Ends with those who were members before the export begins, as nothing says otherwise.
    pub(super) fn finish(&mut self, first: Timestamp) {
        for member in self.users.values_mut().filter(|member| !member.is_told) {
            member.joined = Some((Seq(1), first));
        }
        self.users.retain(|_, member| member.joined.is_some() || !member.periods.is_empty());
    }

    /// Returns the role of a current member.
    pub(super) fn role(&self, user: &str, creator_name: Option<&str>) -> Role {
        let is_creator = match &self.creator {
            Some(creator) => creator == user,
            None => creator_name.is_some_and(|name| {
                name == user || self.users.get(user).is_some_and(|member| member.name.as_deref() == Some(name))
            }),
        };
        match self.levels.get(user) {
            Some(100..) => Role::Owner,
            Some(50..) => Role::Admin,
            _ if is_creator => Role::Owner,
            _ => Role::Member,
        }
    }
}
