//! Content types of files, and the headers with which downloads are served.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::ApiError;

/// Types that browsers show and never run.
const SHOWN: [&str; 12] = [
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/mp4",
    "video/webm",
];

/// Substrings of types whose content a browser, a plug-in or a shell may run.
const ACTIVE: [&str; 8] =
    ["html", "xml", "svg", "script", "shockwave", "multipart/", "message/", "text/cache-manifest"];

/// A media type without parameters: `image/png`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ContentType(String);

/// The headers of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving<'a> {
    pub content_type: &'a str,
    pub disposition: &'static str,
}

impl ContentType {
    /// Longest type, in bytes.
    pub const MAX_BYTES: usize = 127;

    /// Checks a type; capitals make no difference.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let token = |part: &str| {
            // RFC 6838's `restricted-name`.
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
            part.bytes().all(inner) && part.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        };
        match text.split_once('/') {
            Some((kind, subtype)) if token(kind) && token(subtype) && text.len() <= Self::MAX_BYTES => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(ApiError::invalid("`content_type` must be a media type without parameters, like `image/png`.")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns how a file of this type is served: inline if that is safe, else as an attachment; active content as plain bytes.
    pub fn serving(&self) -> Serving<'_> {
        let content_type = self.as_str();
        if SHOWN.contains(&content_type) {
            return Serving { content_type, disposition: "inline" };
        }
        let active = ACTIVE.iter().any(|part| content_type.contains(part));
        let content_type = if active { "application/octet-stream" } else { content_type };
        Serving { content_type, disposition: "attachment" }
    }

    /// Returns true for images that get thumbnails.
    pub fn has_thumbnails(&self) -> bool {
        matches!(self.as_str(), "image/gif" | "image/jpeg" | "image/png" | "image/webp")
    }
}

impl<'de> Deserialize<'de> for ContentType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?)
            .map_err(|_| de::Error::custom("must be a media type without parameters, like `image/png`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_is_two_tokens() {
        assert_eq!(ContentType::parse("Image/PNG").unwrap().as_str(), "image/png");
        assert!(ContentType::parse("application/vnd.oasis.opendocument.text").is_ok());
        for bad in ["", "image", "/png", "image/", "image/png; a=b", "image/p ng", "text/html\r\nx: y", "*/*", "a/b/c"]
        {
            assert!(ContentType::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn active_types_are_served_as_octet_stream_attachments() {
        let serving = |text| {
            let content_type = ContentType::parse(text).unwrap();
            let Serving { content_type, disposition } = content_type.serving();
            (content_type.to_owned(), disposition)
        };
        assert_eq!(serving("image/png"), ("image/png".to_owned(), "inline"));
        assert_eq!(serving("application/pdf"), ("application/pdf".to_owned(), "attachment"));
        for active in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "multipart/related"] {
            assert_eq!(serving(active), ("application/octet-stream".to_owned(), "attachment"), "{active}");
        }
    }
}
