//! Waiting for the states of a client.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::player::Player;
use crate::scenario::{Expect, Text};

/// Time that a state may take to come, cold starts on a busy machine included.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Time between two looks at a state.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// Waits until all states hold, then checks what must not be more.
pub(crate) async fn wait_for(player: &Player, expect: &Expect) -> Result<(), String> {
    let (wanted, deadline) = (wanted(expect), Instant::now() + WAIT_TIMEOUT);
    loop {
        let seen = seen(player, expect).await;
        if seen == wanted {
            break;
        }
        if Instant::now() >= deadline {
            return Err(format!("{seen}, not {wanted}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    for (action, most) in expect.at_most.iter().flatten() {
        let count = player.proxy.sent(std::iter::once(action))[action];
        if count > *most {
            return Err(format!("{count} frames with {action}, and {most} at most"));
        }
    }
    Ok(())
}

/// The states that are asked for, as they have to be.
fn wanted(expect: &Expect) -> Value {
    let texts = |texts: &Vec<Option<Text>>| {
        json!(texts.iter().map(|text| text.as_ref().map(Text::written)).collect::<Vec<_>>())
    };
    let mut wanted = Map::new();
    let mut add = |name: &str, value: Option<Value>| wanted.extend(value.map(|value| (name.to_owned(), value)));
    add("texts", expect.texts.as_ref().map(texts));
    add("ends_with", expect.ends_with.as_ref().map(texts));
    add("reactions", expect.reactions.as_ref().map(|value| json!(value)));
    add("failed", expect.failed.as_ref().map(|value| json!(value)));
    add("unread", expect.unread.map(|value| json!(value)));
    add("caught_up", expect.caught_up.map(|value| json!(value)));
    add("connections_at_least", expect.connections_at_least.map(|value| json!(value)));
    add("at_least", expect.at_least.as_ref().map(|value| json!(value)));
    Value::Object(wanted)
}

/// The same as they are. What has to be so many at least is no more than that.
async fn seen(player: &Player, expect: &Expect) -> Value {
    let replica = player.snapshot().await;
    let mut seen = Map::new();
    let mut add = |name: &str, value: Value| drop(seen.insert(name.to_owned(), value));
    let texts = player.texts(&replica);
    if let Some(last) = &expect.ends_with {
        add("ends_with", json!(texts[texts.len().saturating_sub(last.len())..]));
    }
    if expect.texts.is_some() {
        add("texts", json!(texts));
    }
    if let Some(wanted) = &expect.reactions {
        let of_texts = wanted.keys().map(|text| (text, Player::reactions(&replica, text)));
        add("reactions", json!(of_texts.collect::<BTreeMap<_, _>>()));
    }
    if expect.failed.is_some() {
        add("failed", json!(player.failed()));
    }
    if expect.unread.is_some() {
        add("unread", json!(player.unread(&replica)));
    }
    if expect.caught_up.is_some() {
        add("caught_up", json!(player.client.is_caught_up().await));
    }
    if let Some(least) = expect.connections_at_least {
        add("connections_at_least", json!(player.proxy.accepted().min(least)));
    }
    if let Some(least) = &expect.at_least {
        let mut sent = player.proxy.sent(least.keys());
        for (action, count) in &mut sent {
            *count = least[action].min(*count);
        }
        add("at_least", json!(sent));
    }
    Value::Object(seen)
}
