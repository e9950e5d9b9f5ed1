//! Detects active content by its first bytes: content that a browser, a shell or an operating system would run.

use super::encoding;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Active {
    Page,
    /// An element that browsers make a web page of. In XML it may mean something else.
    Fragment,
    /// An image that can hold scripts.
    Svg,
    /// A text that names its interpreter.
    Script,
    Executable,
}

/// First elements of a text that is a web page: those of
/// <https://mimesniff.spec.whatwg.org/#rules-for-identifying-an-unknown-mime-type> besides `html`, and those that run or load
/// something.
#[rustfmt::skip]
const FRAGMENTS: [&str; 32] = [
    "a", "applet", "audio", "b", "base", "body", "br", "button", "details", "div", "embed", "font", "form", "frameset", "h1", "head",
    "iframe", "img", "input", "link", "marquee", "math", "meta", "object", "p", "script", "style", "table", "template", "textarea",
    "title", "video",
];

/// Returns the kind of active content that these bytes are.
pub(super) fn of(first_bytes: &[u8]) -> Option<Active> {
    if is_executable(first_bytes) {
        return Some(Active::Executable);
    }
    let text = encoding::lossy(first_bytes);
    let text = text.trim_start_matches(is_blank);
    if is_script(text) {
        return Some(Active::Script);
    }
    markup(text)
}

/// Portable executables, ELF, Mach-O (of one architecture and of many) and the code of Java's and Android's machines.
fn is_executable(bytes: &[u8]) -> bool {
    let starts = |marks: &[&[u8]]| marks.iter().any(|mark| bytes.starts_with(mark));
    // Two letters are not enough: names begin with them. A program's header has zeros.
    let dos = starts(&[b"MZ", b"ZM"]) && bytes.iter().take(64).any(|byte| *byte == 0);
    dos || starts(&[
        b"\x7fELF",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\xca\xfe\xba\xbf",
        b"dex\n0",
    ])
}

/// A line that names an interpreter, or PHP.
fn is_script(text: &str) -> bool {
    let interpreter = text.strip_prefix("#!").is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with('/'));
    interpreter || text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<?php")) || text.starts_with("<?=")
}

/// Detects the first element, after blanks, comments and declarations. A page behind a comment that does not end counts, since
/// browsers end it.
fn markup(mut text: &str) -> Option<Active> {
    loop {
        text = text.trim_start_matches(is_blank);
        let rest = text.strip_prefix('<')?;
        if let Some(comment) = rest.strip_prefix("!--") {
            let Some(end) = end_of_comment(comment) else { return Some(Active::Page) };
            text = comment.get(end..)?;
        } else if rest.starts_with(['!', '?']) {
            if rest.get(..13).is_some_and(|start| start.eq_ignore_ascii_case("!doctype html")) {
                return Some(Active::Page);
            }
            let Some(end) = end_of_declaration(rest) else { return Some(Active::Page) };
            text = rest.get(end + 1..)?;
        } else {
            let end = rest.find(|c: char| is_blank(c) || matches!(c, '/' | '>')).unwrap_or(rest.len());
            let name = rest.get(..end)?.to_ascii_lowercase();
            // An XML namespace prefix can have any name.
            let local = name.rsplit(':').next()?;
            return match local {
                "svg" => Some(Active::Svg),
                "html" => Some(Active::Page),
                _ if FRAGMENTS.contains(&local) => Some(Active::Fragment),
                _ => None,
            };
        }
    }
}

/// Returns the offset at which a comment ends, by the rules of browsers: `>` or `->` at its start ends it.
fn end_of_comment(comment: &str) -> Option<usize> {
    if let Some(partial) = [">", "->"].iter().find(|end| comment.starts_with(**end)) {
        return Some(partial.len());
    }
    ["-->", "--!>"].iter().filter_map(|end| Some(comment.find(end)? + end.len())).min()
}

/// Returns the end of a declaration; a document type may contain further ones.
fn end_of_declaration(text: &str) -> Option<usize> {
    let end = text.find('>')?;
    match text.find('[') {
        Some(inner) if inner < end && text.starts_with('!') => {
            let close = inner + text.get(inner..)?.find(']')?;
            Some(close + text.get(close..)?.find('>')?)
        }
        _ => Some(end),
    }
}

/// Returns true for the characters that browsers skip: blanks, byte order marks and zeros.
fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, '\u{feff}' | '\0' | '\u{b}')
}
