//! The settings of a user for a conversation, beside the read watermark.
//!
//! | attribute | |
//! |---|---|
//! | `notification_level` (S) | absent: `all` |
//! | `notifications_muted_until` (N) | ms |
//! | `archived`, `pinned` (BOOL) | absent: false |
//! | `marked_unread_at` (N) | ms; a read receipt from then on removes it |
//!
//! They share the item that a view of a conversation reads in any case. Where there is no receipt yet, `seq` and `at` are zero.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::settings::{ConversationSettings, NotificationLevel, SettingsChange};
use domain::{ConversationId, ReceiptKind, Timestamp, UserId};

use super::{Watermarks, number, watermark_key};
use crate::StoreError;
use crate::dynamodb::Item;
use crate::dynamodb::conditional::unless_refused;

/// The assignments and removals of an update.
#[derive(Debug, Default)]
struct Changes {
    set: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
}

impl Changes {
    fn of(change: &SettingsChange, now: Timestamp) -> Self {
        let mut changes = Self::default();
        let level = |level: NotificationLevel| {
            (level != NotificationLevel::default()).then(|| AttributeValue::S(level.as_str().to_owned()))
        };
        let flag = |on: bool| on.then_some(AttributeValue::Bool(true));
        changes.add("notification_level", change.notification_level.map(level));
        changes.add("notifications_muted_until", change.notifications_muted_until.map(|until| until.map(millis)));
        changes.add("archived", change.archived.map(flag));
        changes.add("pinned", change.pinned.map(flag));
        changes.add("marked_unread_at", change.marked_unread.map(|on| on.then(|| millis(now))));
        changes
    }

    /// Adds an attribute that gets a value, or none, or stays.
    #[allow(clippy::option_option, reason = "stays, or goes")]
    fn add(&mut self, name: &'static str, value: Option<Option<AttributeValue>>) {
        match value {
            Some(Some(value)) => self.set.push((name, value)),
            Some(None) => self.remove.push(name),
            None => {}
        }
    }

    fn expression(&self) -> String {
        // The version before reads no item without a watermark.
        let watermark = ["seq = if_not_exists(seq, :zero)", "#at = if_not_exists(#at, :zero)"].map(str::to_owned);
        let set = watermark.into_iter().chain(self.set.iter().map(|(name, _)| format!("{name} = :{name}")));
        let set = set.collect::<Vec<_>>().join(", ");
        let remove = if self.remove.is_empty() { "" } else { " REMOVE " };
        format!("SET {set}{remove}{}", self.remove.join(", "))
    }
}

impl Watermarks {
    /// Changes settings of a user, and returns all of them. Safe to repeat. Cost: one write unit.
    pub async fn change_settings(
        &self,
        conversation: ConversationId,
        user: UserId,
        change: &SettingsChange,
        now: Timestamp,
    ) -> Result<ConversationSettings, StoreError> {
        let changes = Changes::of(change, now);
        let mut update = self
            .client
            .update_item()
            .table_name(self.table(ReceiptKind::Read))
            .set_key(Some(watermark_key(conversation, user)))
            .update_expression(changes.expression())
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()))
            .return_values(ReturnValue::AllNew);
        for (name, value) in changes.set {
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        let updated = update.send().await.map_err(StoreError::dynamodb)?;
        parse(&updated.attributes.unwrap_or_default())
    }

    /// Ends `marked_unread` unless it was set again, and returns the settings if it did.
    pub(super) async fn unmark(
        &self,
        conversation: ConversationId,
        user: UserId,
        marked_at: Timestamp,
    ) -> Result<Option<ConversationSettings>, StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(self.table(ReceiptKind::Read))
            .set_key(Some(watermark_key(conversation, user)))
            .update_expression("REMOVE marked_unread_at")
            .condition_expression("marked_unread_at = :marked")
            .expression_attribute_values(":marked", millis(marked_at))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        unless_refused(updated)?.as_ref().map(parse).transpose()
    }
}

/// Returns the settings in an item.
pub(super) fn parse(item: &Item) -> Result<ConversationSettings, StoreError> {
    let flag = |name: &str| item.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or_default();
    // A level of a later version is taken for the default.
    let level = item.get("notification_level").and_then(|value| value.as_s().ok());
    Ok(ConversationSettings {
        notification_level: level.and_then(|name| NotificationLevel::parse(name)).unwrap_or_default(),
        notifications_muted_until: time(item, "notifications_muted_until")?,
        archived: flag("archived"),
        pinned: flag("pinned"),
        marked_unread: item.contains_key("marked_unread_at"),
    })
}

pub(super) fn marked_unread_at(item: &Item) -> Result<Option<Timestamp>, StoreError> {
    time(item, "marked_unread_at")
}

fn time(item: &Item, name: &str) -> Result<Option<Timestamp>, StoreError> {
    item.contains_key(name).then(|| number(item, name).map(Timestamp::nearest)).transpose()
}

fn millis(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.epoch_millis().to_string())
}
