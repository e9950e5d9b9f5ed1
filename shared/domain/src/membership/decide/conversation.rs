//! The conversation itself: its title, its topic, its end.

use super::{Context, Decision};
use crate::{MessageKind, Role};

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

    pub(super) fn close(&self) -> Decision {
        self.member_of_shared()?;
        if self.state.closed {
            return Ok(None);
        }
        self.at_least(Role::Owner)?;
        self.logged(MessageKind::Closed)
    }
}
