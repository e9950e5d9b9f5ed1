//! Classification of frames from the server.

use domain::protocol::{Push, Reply};
use serde_json::Value;

#[derive(Debug)]
pub(crate) enum ServerFrame {
    /// Sent without a request.
    Push(Push),
    Reply(Reply),
    /// API Gateway's own error, which does not name the frame: a function crashed or a rate was exceeded.
    Gateway(String),
}

/// Returns `None` for an unknown frame: newer servers may send new types.
pub(crate) fn parse(frame: &str) -> Option<ServerFrame> {
    let value: Value = serde_json::from_str(frame).ok()?;
    match value["type"].as_str() {
        Some("sent" | "accepted" | "synced" | "pong" | "error") => {
            serde_json::from_value(value).ok().map(ServerFrame::Reply)
        }
        Some(_) => serde_json::from_value(value).ok().map(ServerFrame::Push),
        None => value["message"].as_str().map(|message| ServerFrame::Gateway(message.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use domain::protocol::Answer;

    use super::*;

    #[test]
    fn frames_are_classified() {
        let pong = r#"{"type":"pong","reply_to":"p","time":"2026-01-01T00:00:00.000Z"}"#;
        assert!(matches!(parse(pong), Some(ServerFrame::Reply(Reply { answer: Answer::Pong { .. }, .. }))));
        assert!(matches!(
            parse(r#"{"type":"receipts","receipts":[]}"#),
            Some(ServerFrame::Push(Push::Receipts { .. }))
        ));
        let refusal = r#"{"message":"Internal server error","connectionId":"c","requestId":"r"}"#;
        assert!(matches!(parse(refusal), Some(ServerFrame::Gateway(_))));
        assert!(parse(r#"{"type":"from_the_future"}"#).is_none());
    }

    #[test]
    fn list_entries_are_parsed() {
        let listed = r#"{"type":"synced","conversations":[{"conversation_id":"00000000-0000-0000-0000-000000000001","conversation":
            {"conversation_id":"00000000-0000-0000-0000-000000000001","type":"group","history":"since_join","closed":false,
            "role":"owner","head_seq":3,"last_message_at":null,"read_seq":0,"unread":0},
            "messages":[],"hidden":[],"head_seq":3,"more":true}],"cursor":null}"#;
        assert!(matches!(parse(listed), Some(ServerFrame::Reply(Reply { answer: Answer::Synced(_), .. }))));
    }
}
