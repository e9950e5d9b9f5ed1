//! The X-Ray trace header, and the lineage in it by which Lambda detects recursive loops.
//!
//! Each function that takes part in a chain of invocations has an entry in the lineage: a hash of the function, and the number of
//! its earlier invocations in the chain. AWS's clients send the header of the invocation under way with each request, SQS keeps
//! it with a message (`AWSTraceHeader`) and S3 with a notification:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>. AWS documents no form; this one is what functions see.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::random;

/// Name of the HTTP header.
pub const TRACE_HEADER: &str = "x-amzn-trace-id";

/// Invocations of one function in one chain; the next is stopped. "Approximately 16" in AWS's words.
pub const MAX_INVOCATIONS_IN_CHAIN: u32 = 16;

/// Value of `X-Amzn-Trace-Id`, with the lineage that counts invocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHeader {
    root: String,
    parent: String,
    sampled: String,
    /// Earlier invocations in the chain, by the hash of the function.
    lineage: BTreeMap<String, u32>,
}

/// A text that is no trace header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trace header without a root")]
pub struct NoTraceHeader;

impl Default for TraceHeader {
    /// The beginning of a chain, not sampled, as a function without active tracing gets it.
    fn default() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let root = format!("1-{seconds:08x}-{:024x}", random::<u128>() >> 32);
        Self { root, parent: parent(), sampled: "0".to_owned(), lineage: BTreeMap::new() }
    }
}

impl TraceHeader {
    /// Joins the headers of the messages of a batch: the root is the first one's, and each function has its highest number.
    pub fn joined<'a>(headers: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut headers = headers.into_iter();
        let mut joined = headers.next()?.clone();
        for header in headers {
            for (function, count) in &header.lineage {
                let known = joined.lineage.entry(function.clone()).or_default();
                *known = (*known).max(*count);
            }
        }
        Some(joined)
    }

    /// Returns the header that an invocation of this function gets when one with this header causes it.
    #[must_use]
    pub(crate) fn enter(mut self, function: &str) -> Self {
        self.parent = parent();
        let invocations = self.lineage.entry(hash(function));
        invocations.and_modify(|count| *count = count.saturating_add(1)).or_default();
        self
    }

    /// Returns true if the function has run so often in this chain that it may not run again.
    pub(crate) fn is_loop(&self, function: &str) -> bool {
        self.lineage.get(&hash(function)).is_some_and(|count| count + 1 >= MAX_INVOCATIONS_IN_CHAIN)
    }
}

impl FromStr for TraceHeader {
    type Err = NoTraceHeader;

    fn from_str(text: &str) -> Result<Self, NoTraceHeader> {
        let mut header = Self { root: String::new(), ..Self::default() };
        for field in text.split(';') {
            let (name, value) = field.trim().split_once('=').unwrap_or_default();
            match name {
                "Root" => value.clone_into(&mut header.root),
                "Parent" => value.clone_into(&mut header.parent),
                "Sampled" => value.clone_into(&mut header.sampled),
                "Lineage" => header.lineage = value.split('|').filter_map(entry).collect(),
                // A program's own.
                _ => {}
            }
        }
        if header.root.is_empty() { Err(NoTraceHeader) } else { Ok(header) }
    }
}

/// Reads `a87bd80c:1`; the first entry has a number before it.
fn entry(text: &str) -> Option<(String, u32)> {
    let mut parts = text.rsplit(':');
    let count = parts.next()?.parse().ok()?;
    Some((parts.next()?.to_owned(), count))
}

impl fmt::Display for TraceHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root={};Parent={};Sampled={}", self.root, self.parent, self.sampled)?;
        for (index, (function, count)) in self.lineage.iter().enumerate() {
            f.write_str(if index == 0 { ";Lineage=1:" } else { "|" })?;
            write!(f, "{function}:{count}")?;
        }
        Ok(())
    }
}

fn parent() -> String {
    format!("{:016x}", random::<u64>())
}

/// FNV-1a in 32 bits: the same in every run, since messages keep it.
fn hash(function: &str) -> String {
    let hash = function.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_functions_see_it() {
        let text = "Root=1-69963f09-0d53825959fc8b6738f20936;Parent=60d5b6543333d209;Sampled=0;Lineage=1:aae260cf:0|74085691:3";
        let header: TraceHeader = text.parse().unwrap();
        assert_eq!(header.lineage, [("74085691".to_owned(), 3), ("aae260cf".to_owned(), 0)].into());
        let again: TraceHeader = header.to_string().parse().unwrap();
        assert_eq!(again, header);
        let short: TraceHeader = "Root=1-6684e6d3-6fb9fad5bad2e7f1bd11ca00;Lineage=ac449cae:7".parse().unwrap();
        assert_eq!(short.lineage, [("ac449cae".to_owned(), 7)].into());
        assert_eq!("Sampled=1".parse::<TraceHeader>(), Err(NoTraceHeader));
    }

    #[test]
    fn the_seventeenth_invocation_in_a_chain_is_a_loop() {
        let mut header = TraceHeader::default();
        for invocation in 1..=16 {
            assert!(!header.is_loop("F"), "invocation {invocation}");
            header = header.enter("F").enter("G");
        }
        assert!(header.is_loop("F") && header.is_loop("G") && !header.is_loop("H"));
    }

    #[test]
    fn a_batch_has_the_highest_numbers_of_its_messages() {
        let once = TraceHeader::default().enter("F");
        let twice = TraceHeader::default().enter("F").enter("F").enter("G");
        let joined = TraceHeader::joined([&once, &twice]).unwrap();
        assert_eq!((joined.root, joined.lineage), (once.root, twice.lineage));
        assert_eq!(TraceHeader::joined([]), None);
    }
}
