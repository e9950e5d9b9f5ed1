//! Files: announced and uploaded to a conversation, and referenced by its messages as attachments.

mod content_type;
mod name;
mod new_file;
mod parts;
mod upload;

use serde::{Deserialize, Serialize};

use crate::{ConversationId, FileId, Timestamp};

pub use content_type::{ContentType, Serving};
pub use name::FileName;
pub use new_file::{MAX_FILE_BYTES, NewFile, Sha256Hex};
pub use parts::{MAX_PARTS_PER_REQUEST, PART_BYTES, PartRequest, PartsRequest, part_count, part_size};
pub use upload::{Announced, Download, SignedPart, SignedRequest, Upload};

/// Most files that one message references.
pub const MAX_ATTACHMENTS: usize = 10;

/// Status of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// It was announced; its bytes have not come, or have not been looked at.
    Pending,
    /// It can be attached.
    Ready,
    /// The upload was refused and its bytes were deleted.
    Rejected,
}

impl FileStatus {
    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Ready, Self::Rejected].into_iter().find(|status| status.as_str() == name)
    }
}

/// Reason for which an upload was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// There are more or fewer than were announced.
    SizeMismatch,
    /// They are not those that were announced.
    ChecksumMismatch,
    /// They are of another type than was announced.
    TypeMismatch,
    /// They would run in a browser: scripts in an image, say.
    ActiveContent,
    /// They are no image that can be read.
    ImageUnreadable,
    /// The image has more pixels than can be worked on.
    ImageTooLarge,
    /// They did not come in time, or their owner does not want them any more.
    Abandoned,
}

impl Rejection {
    const ALL: [Self; 7] = [
        Self::SizeMismatch,
        Self::ChecksumMismatch,
        Self::TypeMismatch,
        Self::ActiveContent,
        Self::ImageUnreadable,
        Self::ImageTooLarge,
        Self::Abandoned,
    ];

    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SizeMismatch => "size_mismatch",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::TypeMismatch => "type_mismatch",
            Self::ActiveContent => "active_content",
            Self::ImageUnreadable => "image_unreadable",
            Self::ImageTooLarge => "image_too_large",
            Self::Abandoned => "abandoned",
        }
    }

    /// The reason of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// Width and height of an image, in pixels, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A file as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub file_id: FileId,
    /// The conversation whose messages may reference the file.
    pub conversation_id: ConversationId,
    pub name: FileName,
    pub content_type: ContentType,
    /// Size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, in hex. S3 has compared it where the file came in one piece; where it came in parts, theirs.
    pub sha256: Sha256Hex,
    pub status: FileStatus,
    /// Set for a rejected file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Rejection>,
    /// Of an image that has thumbnails.
    #[serde(default, skip_serializing_if = "Option::is_none", flatten)]
    pub dimensions: Option<Dimensions>,
    pub created_at: Timestamp,
}

/// A file as the messages that reference it show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub file_id: FileId,
    pub name: FileName,
    pub content_type: ContentType,
    /// Size in bytes.
    pub size: u64,
    /// Width of an image that has thumbnails, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height of an image that has thumbnails, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

impl Attachment {
    /// Of an image that has thumbnails.
    pub fn dimensions(&self) -> Option<Dimensions> {
        self.width.zip(self.height).map(|(width, height)| Dimensions { width, height })
    }
}

/// Longest side of a thumbnail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThumbnailSize {
    Small,
    Large,
}

impl ThumbnailSize {
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    pub const fn pixels(self) -> u32 {
        match self {
            Self::Small => 320,
            Self::Large => 1280,
        }
    }

    /// The size with this longest side.
    pub fn of_pixels(pixels: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.pixels() == pixels)
    }
}
