//! The end of a connection: the code and reason for the other side and for `$disconnect`.

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::event::Disconnect;

/// The end of a connection. The reasons for 1000, 1001 and 1005 are what recorded events have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    code: u16,
    reason: String,
    /// True if a close frame has to be sent.
    ours: bool,
}

impl End {
    fn ours(code: CloseCode, reason: &str) -> Self {
        Self { code: code.into(), reason: reason.to_owned(), ours: true }
    }

    /// Idle for too long, open for too long, or the gateway stops.
    pub(super) fn going_away() -> Self {
        Self::ours(CloseCode::Away, "Going away")
    }

    /// A function deleted the connection.
    pub(super) fn deleted() -> Self {
        Self::ours(CloseCode::Normal, "Connection Closed Normally")
    }

    /// The client sent a binary frame.
    pub(super) fn binary() -> Self {
        Self::ours(CloseCode::Unsupported, "Binary frames are not supported")
    }

    /// The client does not even read that it is throttled. AWS says that it closes with this code, and not when.
    pub(super) fn throttled() -> Self {
        Self::ours(CloseCode::Policy, "Too many requests")
    }

    /// There is no connection any more, and no close frame was seen.
    pub(super) fn vanished() -> Self {
        Self { code: 1006, reason: "Connection closed abnormally".to_owned(), ours: false }
    }

    pub(super) fn by_client(frame: Option<CloseFrame>) -> Self {
        let (code, reason) = match frame {
            Some(frame) => (frame.code.into(), frame.reason.as_str().to_owned()),
            None => (1005, String::new()),
        };
        let reason = match (code, reason.as_str()) {
            (1000, "") => "Connection Closed Normally".to_owned(),
            (1001, "") => "Going away".to_owned(),
            (1005, "") => "Client-side close frame status not set".to_owned(),
            _ => reason,
        };
        Self { code, reason, ours: false }
    }

    /// Returns the end after an error: an invalid or too large message, or a socket that cannot be written to.
    pub(super) fn by_error(error: &Error) -> Self {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Self::ours(CloseCode::Size, "Message too big"),
            Error::Utf8(_) => Self::ours(CloseCode::Invalid, "Text frames must be UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::vanished(),
            Error::Protocol(_) => Self::ours(CloseCode::Protocol, "Protocol error"),
            _ => Self::vanished(),
        }
    }

    /// Returns the close frame to send, unless the client has sent one or is gone.
    pub(super) fn close_frame(&self) -> Option<CloseFrame> {
        self.ours.then(|| CloseFrame { code: self.code.into(), reason: self.reason.as_str().into() })
    }

    pub(super) fn event(&self) -> Disconnect<'_> {
        Disconnect { code: self.code, reason: &self.reason }
    }
}
