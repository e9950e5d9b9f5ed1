//! Receipt handles: which message, of which queue, received for the how-manieth time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::error::{INVALID_HANDLE, SqsError};
use local_aws::hex;

/// Keeps apart what this process made and what somebody made up. No secret: everybody on this machine is trusted.
const SALT: &str = "receipt of the local cloud";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) number: u64,
    pub(crate) receives: u32,
}

impl Handle {
    pub(crate) fn write(self, queue: &str) -> String {
        let Self { number, receives } = self;
        STANDARD.encode(format!("{number}:{receives}:{queue}:{}", seal(number, receives, queue)))
    }

    /// Reads a handle of this queue.
    pub(crate) fn read(handle: &str, queue: &str) -> Result<Self, SqsError> {
        if handle.is_empty() {
            return Err(SqsError::missing("ReceiptHandle"));
        }
        parse(handle, queue).ok_or_else(|| {
            SqsError::new(
                INVALID_HANDLE,
                format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
            )
        })
    }
}

fn parse(handle: &str, queue: &str) -> Option<Handle> {
    let text = String::from_utf8(STANDARD.decode(handle).ok()?).ok()?;
    let mut parts = text.split(':');
    let (number, receives) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_ours =
        parts.next() == Some(queue) && parts.next() == Some(&seal(number, receives, queue)) && parts.next().is_none();
    is_ours.then_some(Handle { number, receives })
}

fn seal(number: u64, receives: u32, queue: &str) -> String {
    hex(&Md5::digest(format!("{SALT} {number} {receives} {queue}")))
}
