//! Types that are text: in UTF-8, in UTF-16 or UTF-32 with a mark of the byte order, or in any encoding that has ASCII in it.

use super::active::{self, Active};
use super::encoding::is_binary;

/// Text types whose name does not start with `text/` and does not end in the name of their syntax.
const TEXTS: [&str; 22] = [
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/sql",
    "application/toml",
    "application/typescript",
    "application/x-csh",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-latex",
    "application/x-ndjson",
    "application/x-perl",
    "application/x-php",
    "application/x-python",
    "application/x-sh",
    "application/x-shellscript",
    "application/x-subrip",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
];

/// Texts that may be web pages. Markdown is a superset of HTML, and many begin with it.
const PAGES: [&str; 4] = ["application/xhtml+xml", "text/html", "text/markdown", "text/x-markdown"];

/// Parts of the names of languages that have interpreters.
const LANGUAGES: [&str; 8] = ["script", "x-sh", "x-csh", "perl", "python", "php", "ruby", "x-lua"];

/// Returns true for a text type. Rich text has a magic number.
pub(super) fn is_text(declared: &str) -> bool {
    let syntax = ["+json", "+xml", "+yaml", "+json-seq"];
    declared.starts_with("text/") || TEXTS.contains(&declared) || syntax.iter().any(|end| declared.ends_with(end))
}

/// Returns true if bytes that were announced as a text are one of the expected kind.
pub(super) fn fits(declared: &str, first_bytes: &[u8]) -> bool {
    if is_binary(first_bytes) {
        return false;
    }
    match active::of(first_bytes) {
        None => true,
        Some(Active::Page) => PAGES.contains(&declared),
        Some(Active::Fragment) => PAGES.contains(&declared) || declared.ends_with("xml"),
        Some(Active::Script) => LANGUAGES.iter().any(|part| declared.contains(part)),
        Some(Active::Svg | Active::Executable) => false,
    }
}
