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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// The file is announced. Its bytes are not uploaded or not inspected yet.
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

    /// Returns the status with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Ready, Self::Rejected].into_iter().find(|status| status.as_str() == name)
    }
}

/// Reason for which an upload was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The upload has more or fewer bytes than announced.
    SizeMismatch,
    /// The checksum of the bytes differs from the announced one.
    ChecksumMismatch,
    /// The bytes have another type than announced.
    TypeMismatch,
    /// A browser would run the content, such as scripts in an image.
    ActiveContent,
    /// The image cannot be decoded.
    ImageUnreadable,
    /// The image has more pixels than the inspection can process.
    ImageTooLarge,
    /// The bytes were not uploaded in time, or the owner cancelled the upload.
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

    /// Returns the reason with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// Width and height of an image, in pixels, after its EXIF rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Dimensions {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A file as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct File {
    pub file_id: FileId,
    /// The conversation whose messages may reference the file.
    pub conversation_id: ConversationId,
    pub name: FileName,
    pub content_type: ContentType,
    /// Number of bytes of the file.
    pub size: u64,
    /// SHA-256 of the bytes, in hex. S3 verifies it for an upload in one request; for an upload in parts S3 verifies the
    /// checksum of each part.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attachment {
    pub file_id: FileId,
    pub name: FileName,
    pub content_type: ContentType,
    /// Number of bytes of the file.
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

    /// Returns the size with this longest side.
    pub fn of_pixels(pixels: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.pixels() == pixels)
    }
}
