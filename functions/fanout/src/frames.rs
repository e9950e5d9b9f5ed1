//! The frames that members get, each written once for all who see the same.

use std::collections::HashMap;
use std::ops::Range;

use domain::wire::Push;
use domain::wire::sync::MAX_BYTES;
use domain::{ApiError, Message};
use lambda_kit::push::encode;
use store::dynamodb::members::ActiveMember;
use store::log::{News, Viewer};

/// Frames of some news.
#[derive(Debug)]
pub(crate) struct Frames<'n> {
    news: &'n News,
    written: Vec<String>,
    by_viewer: HashMap<Viewer, Range<usize>>,
}

impl<'n> Frames<'n> {
    /// None so far.
    pub(crate) fn of(news: &'n News) -> Self {
        Self { news, written: Vec::new(), by_viewer: HashMap::new() }
    }

    /// The numbers of the member's frames, which there are from here on: one, unless it would be too large; none where they see
    /// nothing of it.
    pub(crate) fn prepare(&mut self, member: &ActiveMember) -> Result<Range<usize>, ApiError> {
        let viewer = self.news.viewer(member);
        if let Some(written) = self.by_viewer.get(&viewer) {
            return Ok(written.clone());
        }
        let first = self.written.len();
        self.written.extend(write(self.news.shown_to(member))?);
        self.by_viewer.insert(viewer, first..self.written.len());
        Ok(first..self.written.len())
    }

    /// A frame's JSON.
    pub(crate) fn json(&self, number: usize) -> &str {
        &self.written[number]
    }
}

/// As many messages in a frame as fit.
fn write(messages: Vec<Message>) -> Result<Vec<String>, ApiError> {
    let mut frames = Vec::new();
    let (mut some, mut bytes) = (Vec::new(), 0);
    for message in messages {
        let size = encode(&message)?.len();
        if bytes + size > MAX_BYTES && !some.is_empty() {
            frames.push(encode(&Push::Messages { messages: std::mem::take(&mut some) })?);
            bytes = 0;
        }
        bytes += size;
        some.push(message);
    }
    if !some.is_empty() {
        frames.push(encode(&Push::Messages { messages: some })?);
    }
    Ok(frames)
}
