//! The conversation itself: its title, its topic, what the app adds, its pinned messages, the time for which its messages are
//! kept, its end.

use super::{Context, Decision};
use crate::conversation::MAX_PINS;
use crate::{ApiError, ConversationType, Custom, ErrorCode, MessageKind, Role, Seq};

impl Context<'_> {
    pub(super) fn set_title(&self, title: &str) -> Decision {
        self.member_of_shared()?;
        if self.state.title.as_deref() == Some(title) {
            return Ok(None);
        }
        self.at_least_and_open(Role::Admin)?;
        self.logged(MessageKind::TitleChanged { title: title.to_owned() })
    }

    pub(super) fn set_topic(&self, topic: Option<&str>) -> Decision {
        self.member_of_shared()?;
        if self.state.topic.as_deref() == topic {
            return Ok(None);
        }
        self.at_least_and_open(Role::Admin)?;
        self.logged(MessageKind::TopicChanged { topic: topic.map(str::to_owned) })
    }

    pub(super) fn set_custom(&self, custom: Option<&Custom>) -> Decision {
        self.member_of_shared()?;
        if self.state.custom.as_ref() == custom {
            return Ok(None);
        }
        self.at_least_and_open(Role::Admin)?;
        self.logged(MessageKind::CustomChanged { custom: custom.cloned() })
    }

    /// In a private conversation each of the two may set it.
    pub(super) fn set_retention(&self, retention_days: Option<u32>) -> Decision {
        self.active()?;
        if self.state.retention_days == retention_days {
            return Ok(None);
        }
        if self.state.kind == ConversationType::Private && !self.actor.is_system() {
            self.open()?;
        } else {
            self.at_least_and_open(Role::Owner)?;
        }
        self.logged(MessageKind::RetentionChanged { retention_days })
    }

    /// In a private conversation both pin, unless one of them blocks the other.
    pub(super) fn pin(&self, seq: Seq, on: bool, gone: &[Seq]) -> Decision {
        self.active()?;
        if self.state.pinned_seqs.contains(&seq) == on {
            return Ok(None);
        }
        if self.state.kind == ConversationType::Private && !self.actor.is_system() {
            self.open()?;
            if !self.state.blocked_by.is_empty() {
                return Err(ApiError::blocked());
            }
        } else {
            self.at_least_and_open(Role::Admin)?;
        }
        let pinned = self.state.pinned_seqs.iter().copied();
        let mut pinned_seqs: Vec<Seq> = pinned.filter(|pinned| *pinned != seq && !gone.contains(pinned)).collect();
        if on {
            if pinned_seqs.len() >= MAX_PINS {
                let message = format!("A conversation can have at most {MAX_PINS} pinned messages.");
                return Err(ApiError::new(ErrorCode::TooManyPins, message));
            }
            pinned_seqs.push(seq);
            pinned_seqs.sort_unstable();
        }
        self.logged(MessageKind::PinsChanged { message_seq: seq, on, pinned_seqs })
    }

    pub(super) fn close(&self) -> Decision {
        self.member_of_shared()?;
        if self.state.closed {
            return Ok(None);
        }
        self.at_least(Role::Owner)?;
        self.logged(MessageKind::Closed)
    }
}
