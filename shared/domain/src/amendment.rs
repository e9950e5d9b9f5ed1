//! Edits, deletions and reactions: which user may amend which message.

use std::time::Duration;

use crate::characters::is_blank;
use crate::message::{Content, Edit, MAX_EDITS, MessageKind, custom_after};
use crate::reaction::{Emoji, MAX_REACTIONS, MAX_REACTIONS_PER_USER, Reactions};
use crate::{ApiError, ConversationType, Custom, ErrorCode, Role, Timestamp, UserId};

/// A change of a message by a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// The new text and mentions, and the new object, an empty one to remove it. Attachments do not change; the text of a message with attachments may be empty.
    Edit(Content),
    /// Removes the content of the message for all users.
    Delete,
    /// Adds or withdraws a reaction.
    React {
        emoji: Emoji,
        /// True to react, false to withdraw the reaction.
        on: bool,
    },
}

/// Facts about a message and the user who amends it. [`Amendment::decide`] needs no others.
#[derive(Clone, Copy, Debug)]
pub struct MessageFacts<'a> {
    pub conversation: ConversationType,
    pub actor: UserId,
    pub role: Role,
    pub sender: UserId,
    pub sent_at: Timestamp,
    pub kind: &'a MessageKind,
    /// Earlier edits of the message, oldest first.
    pub edits: &'a [Edit],
    pub reactions: &'a Reactions,
}

impl Amendment {
    /// Returns true if the actor takes back their own words, which is allowed to those who may not send, and never limited.
    pub fn takes_back(&self, actor: UserId, sender: UserId) -> bool {
        match self {
            Self::Edit(_) | Self::React { on: true, .. } => false,
            Self::Delete => actor == sender,
            Self::React { on: false, .. } => true,
        }
    }

    /// Returns true if the amendment changes something, or a refusal if the actor may not make it. Only texts can be amended;
    /// `edit_window` is the time after sending for which the sender may edit a text.
    pub fn decide(&self, facts: &MessageFacts<'_>, now: Timestamp, edit_window: Duration) -> Result<bool, ApiError> {
        let own = facts.actor == facts.sender;
        match (self, facts.kind) {
            (Self::Delete, MessageKind::Deleted { .. }) => Ok(false),
            (_, MessageKind::Deleted { .. }) => {
                Err(ApiError::new(ErrorCode::MessageDeleted, "This message was deleted."))
            }
            (Self::Edit(content), MessageKind::Text(original)) => {
                if !own {
                    return Err(not_allowed("Only the sender can edit a message."));
                }
                if is_blank(&content.text) && original.attachments.is_empty() {
                    return Err(ApiError::invalid("`text` must have a visible character."));
                }
                let is_same = facts.current(original) == (content.text.as_str(), content.mentions.as_slice());
                if is_same && facts.custom_to_change(content).is_none() {
                    return Ok(false);
                }
                if now.since(facts.sent_at) > edit_window {
                    return Err(ApiError::new(ErrorCode::EditWindowOver, "This message is too old to edit."));
                }
                if facts.edits.len() >= MAX_EDITS {
                    let message = format!("A message can be edited at most {MAX_EDITS} times.");
                    return Err(ApiError::new(ErrorCode::TooManyEdits, message));
                }
                Ok(true)
            }
            (Self::Delete, MessageKind::Text(_)) => {
                let moderates = facts.role != Role::Member && facts.conversation != ConversationType::Private;
                let moderates = moderates || facts.actor.is_system();
                if own || moderates {
                    Ok(true)
                } else {
                    Err(not_allowed("Only the sender, admins and owners can delete a message."))
                }
            }
            (Self::React { emoji, on }, MessageKind::Text(_)) => {
                let has = facts.reactions.has(emoji, facts.actor);
                if *on && !has && facts.reactions.is_full_for(facts.actor) {
                    let message = format!("A user can give a message at most {MAX_REACTIONS_PER_USER} reactions.");
                    return Err(ApiError::new(ErrorCode::TooManyReactions, message));
                }
                if *on && !has && facts.reactions.is_full() {
                    let message = format!("A message can have at most {MAX_REACTIONS} reactions.");
                    return Err(ApiError::new(ErrorCode::TooManyReactions, message));
                }
                Ok(has != *on)
            }
            _ => Err(ApiError::new(ErrorCode::MessageNotFound, "No text message has this seq.")),
        }
    }
}

impl MessageFacts<'_> {
    /// Returns the users whom the message mentions now.
    pub fn mentions(&self) -> &[UserId] {
        match self.kind {
            MessageKind::Text(original) => self.current(original).1,
            _ => &[],
        }
    }

    /// Returns the object that an edit gives the message, an empty one for none; `None` if it has that already.
    pub fn custom_to_change<'b>(&self, edit: &'b Content) -> Option<&'b Custom> {
        let MessageKind::Text(original) = self.kind else { return None };
        let current = custom_after(original, self.edits);
        edit.custom.as_ref().filter(|custom| Some(*custom).filter(|custom| !custom.is_empty()) != current)
    }

    /// Returns the current text and mentions.
    fn current<'b>(&'b self, original: &'b Content) -> (&'b str, &'b [UserId]) {
        match self.edits.last() {
            Some(edit) => (&edit.text, &edit.mentions),
            None => (&original.text, &original.mentions),
        }
    }
}

fn not_allowed(message: &str) -> ApiError {
    ApiError::new(ErrorCode::NotAllowed, message)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Seq;

    const WINDOW: Duration = Duration::from_mins(1);
    const SENT: Timestamp = Timestamp::from_epoch_millis(1_000_000);

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn content(text: &str) -> Content {
        Content::new(text.to_owned(), None, Vec::new()).unwrap()
    }

    fn edit(text: &str, seq: u64) -> Edit {
        Edit { seq: Seq(seq), edited_at: SENT, text: text.to_owned(), mentions: Vec::new(), custom: None }
    }

    struct Case {
        kind: MessageKind,
        edits: Vec<Edit>,
        reactions: Reactions,
        actor: UserId,
        role: Role,
        conversation: ConversationType,
        age: Duration,
    }

    impl Default for Case {
        fn default() -> Self {
            Self {
                kind: MessageKind::Text(content("hi")),
                edits: Vec::new(),
                reactions: Reactions::default(),
                actor: user(1),
                role: Role::Member,
                conversation: ConversationType::Group,
                age: Duration::ZERO,
            }
        }
    }

    impl Case {
        fn decide(&self, amendment: &Amendment) -> Result<bool, ErrorCode> {
            let facts = MessageFacts {
                conversation: self.conversation,
                actor: self.actor,
                role: self.role,
                sender: user(1),
                sent_at: SENT,
                kind: &self.kind,
                edits: &self.edits,
                reactions: &self.reactions,
            };
            amendment.decide(&facts, SENT.plus(self.age), WINDOW).map_err(|error| error.code)
        }
    }

    #[test]
    fn system_deletes_any_message_and_edits_its_own() {
        let conversation = ConversationType::Private;
        let case = Case { actor: UserId::SYSTEM, role: Role::Owner, conversation, ..Case::default() };
        assert_eq!(case.decide(&Amendment::Delete), Ok(true));
        assert_eq!(case.decide(&Amendment::Edit(content("ho"))), Err(ErrorCode::NotAllowed));
        let owner = Case { actor: user(2), ..case };
        assert_eq!(owner.decide(&Amendment::Delete), Err(ErrorCode::NotAllowed));
    }

    #[test]
    fn only_the_sender_edits_a_message_and_only_within_the_edit_window() {
        let other_text = Amendment::Edit(content("ho"));
        assert_eq!(Case::default().decide(&other_text), Ok(true));
        assert_eq!(Case::default().decide(&Amendment::Edit(content("hi"))), Ok(false));
        let edited = |edits| Case { edits, ..Case::default() };
        assert_eq!(edited(vec![edit("ho", 7)]).decide(&other_text), Ok(false), "a repeat");
        assert_eq!(
            edited(vec![edit("ho", 7)]).decide(&Amendment::Edit(content("hi"))),
            Ok(true),
            "the original text again"
        );
        assert_eq!(edited(vec![edit("x", 7); MAX_EDITS]).decide(&other_text), Err(ErrorCode::TooManyEdits));
        let nothing = Amendment::Edit(Content::caption(String::new(), None, Vec::new()).unwrap());
        assert_eq!(Case::default().decide(&nothing), Err(ErrorCode::InvalidRequest));
        let old = Case { age: WINDOW + Duration::from_millis(1), ..Case::default() };
        assert_eq!(old.decide(&other_text), Err(ErrorCode::EditWindowOver));
        let owner = Case { actor: user(2), role: Role::Owner, ..Case::default() };
        assert_eq!(owner.decide(&other_text), Err(ErrorCode::NotAllowed));
    }

    #[test]
    fn an_edit_keeps_replaces_or_removes_custom() {
        let custom = |json: &str| Custom::stored(json).ok();
        let edit_with =
            |json: Option<&str>| Amendment::Edit(Content { custom: json.and_then(custom), ..content("hi") });
        let with = |json: &str| MessageKind::Text(Content { custom: custom(json), ..content("hi") });
        let case = Case { kind: with(r#"{"a":1}"#), ..Case::default() };
        for (json, changes) in
            [(None, false), (Some(r#"{"a":1}"#), false), (Some(r#"{"a":2}"#), true), (Some("{}"), true)]
        {
            assert_eq!(case.decide(&edit_with(json)), Ok(changes), "{json:?}");
        }
        assert_eq!(Case::default().decide(&edit_with(Some("{}"))), Ok(false), "there is none");
        let removed = Edit { custom: custom("{}"), ..edit("hi", 7) };
        let case = Case { edits: vec![removed, edit("hi", 8)], ..case };
        assert_eq!(case.decide(&edit_with(Some("{}"))), Ok(false), "it was removed");
        assert_eq!(case.decide(&edit_with(Some(r#"{"a":1}"#))), Ok(true));
    }

    #[test]
    fn the_sender_and_admins_may_delete_a_message() {
        assert_eq!(Case { age: WINDOW * 2, ..Case::default() }.decide(&Amendment::Delete), Ok(true));
        for (role, conversation, allowed) in [
            (Role::Member, ConversationType::Group, Err(ErrorCode::NotAllowed)),
            (Role::Admin, ConversationType::Group, Ok(true)),
            (Role::Owner, ConversationType::Public, Ok(true)),
            (Role::Member, ConversationType::Private, Err(ErrorCode::NotAllowed)),
        ] {
            let case = Case { actor: user(2), role, conversation, ..Case::default() };
            assert_eq!(case.decide(&Amendment::Delete), allowed, "{role:?} {conversation:?}");
        }
    }

    #[test]
    fn deleted_messages_cannot_be_amended() {
        let kind =
            MessageKind::Deleted { deleted_by: Some(user(1)), deleted_seq: Some(Seq(9)), deleted_at: Some(SENT) };
        let case = Case { kind, ..Case::default() };
        let thumb = Emoji::parse("👍").unwrap();
        assert_eq!(case.decide(&Amendment::Delete), Ok(false));
        for amendment in [Amendment::Edit(content("x")), Amendment::React { emoji: thumb, on: true }] {
            assert_eq!(case.decide(&amendment), Err(ErrorCode::MessageDeleted));
        }
    }

    #[test]
    fn each_user_reacts_once_with_each_emoji() {
        let thumb = Emoji::parse("👍").unwrap();
        let react = |on| Amendment::React { emoji: thumb.clone(), on };
        let mut case = Case { actor: user(2), ..Case::default() };
        assert_eq!((case.decide(&react(true)), case.decide(&react(false))), (Ok(true), Ok(false)));
        case.reactions.add(thumb.clone(), user(2), Seq(5));
        assert_eq!((case.decide(&react(true)), case.decide(&react(false))), (Ok(false), Ok(true)));
        for n in 3..=502 {
            case.reactions.add(thumb.clone(), user(n), Seq(6));
        }
        case.actor = user(1000);
        assert_eq!(case.decide(&react(true)), Err(ErrorCode::TooManyReactions));
    }

    #[test]
    fn no_user_takes_the_room_of_others() {
        let thumb = Emoji::parse("👍").unwrap();
        let react = Amendment::React { emoji: thumb.clone(), on: true };
        let mut case = Case { actor: user(2), ..Case::default() };
        for n in 0..20 {
            assert_eq!(case.decide(&react), Ok(true));
            case.reactions.add(thumb.clone(), user(2), Seq(5 + 2 * n));
            case.reactions.remove(&thumb, user(2), Seq(6 + 2 * n));
        }
        assert_eq!(case.decide(&react), Err(ErrorCode::TooManyReactions));
        let other = Amendment::React { emoji: Emoji::parse("👎").unwrap(), on: true };
        assert_eq!(case.decide(&other), Err(ErrorCode::TooManyReactions));
        case.actor = user(3);
        assert_eq!(case.decide(&react), Ok(true));
    }

    #[test]
    fn only_texts_can_be_amended() {
        for kind in [MessageKind::Closed, MessageKind::MessageDeleted { target_seq: Seq(3) }] {
            let case = Case { kind, ..Case::default() };
            assert_eq!(case.decide(&Amendment::Delete), Err(ErrorCode::MessageNotFound));
        }
    }
}
