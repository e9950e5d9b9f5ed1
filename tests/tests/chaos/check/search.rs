//! Searches, against the log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use client::SearchFilter;
use domain::{ConversationId, Message, MessageKind, Periods, Seq, UserId};
use end_to_end::StoredState;

use crate::erased::ErasedUser;
use crate::users::{MAX_STILL, SimulatedUser, until_settled};

/// Most texts of a sender that are searched for, the newest.
const MAX_TEXTS: usize = 200;

/// A search for the texts of each sender finds exactly those that the user may see, as history shows them, once the index has caught
/// up. Before that it finds fewer, and never another one. Nothing of an erased user is found.
pub(crate) async fn check(state: &StoredState, user: &SimulatedUser, periods: &Periods, erased: &[ErasedUser]) {
    let Some(conversation) = state.log.first().map(|item| item.conversation_id) else { return };
    let mut by_sender: BTreeMap<UserId, BTreeMap<Seq, Message>> =
        erased.iter().map(|user| (user.id(), BTreeMap::new())).collect();
    let visible = state.log.iter().filter(|item| periods.covers(item.seq));
    for message in visible.map(|item| item.clone().shown_to(user.id, periods)) {
        if let MessageKind::Text(_) = message.kind {
            by_sender.entry(message.sender_id).or_default().insert(message.seq, message);
        }
    }
    for (sender, texts) in by_sender {
        // Every text begins with the id of its sender, also after an edit.
        let filter = SearchFilter { words: format!("\"{sender}\""), conversation: Some(conversation), ..all() };
        let newest: Vec<&Message> = texts.values().rev().take(MAX_TEXTS).collect();
        let (mut most, mut moved) = (0, Instant::now());
        loop {
            let found = find(user, &filter).await;
            for message in &found {
                assert_eq!(texts.get(&message.seq), Some(message), "{} found another message", user.id);
            }
            if found.iter().eq(newest.iter().copied()) {
                break;
            }
            if found.len() > most {
                (most, moved) = (found.len(), Instant::now());
            }
            let (id, number): (ConversationId, usize) = (conversation, newest.len());
            assert!(moved.elapsed() < MAX_STILL, "{} finds {} of {number} texts in {id}", user.id, found.len());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn all() -> SearchFilter {
    SearchFilter { limit: Some(50), ..SearchFilter::default() }
}

/// Returns the newest messages of a search, page by page.
async fn find(user: &SimulatedUser, filter: &SearchFilter) -> Vec<Message> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = until_settled(|| user.api.find_messages(filter, cursor.as_deref())).await.expect("a page of hits");
        found.extend(page.hits.into_iter().map(|hit| hit.message));
        cursor = page.cursor;
        if cursor.is_none() || found.len() >= MAX_TEXTS {
            found.truncate(MAX_TEXTS);
            return found;
        }
    }
}
