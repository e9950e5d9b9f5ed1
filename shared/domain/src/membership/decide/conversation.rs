//! The conversation itself: its title, its topic, what the app adds, the time for which its messages are kept, its end.

use super::{Context, Decision};
use crate::{ConversationType, Custom, MessageKind, Role};

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

    pub(super) fn close(&self) -> Decision {
        self.member_of_shared()?;
        if self.state.closed {
            return Ok(None);
        }
        self.at_least(Role::Owner)?;
        self.logged(MessageKind::Closed)
    }
}
