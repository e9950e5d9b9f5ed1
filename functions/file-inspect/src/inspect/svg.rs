//! Checks that an SVG is an image and nothing else.
//!
//! The download headers make browsers save an SVG instead of displaying it (`domain::file::ContentType::serving`), but the
//! saved file may be opened later. So it must not contain anything that runs, loads or links elsewhere: no scripts, event
//! handlers, embedded documents, external references, or declarations of entities or attributes. In doubt the file counts as
//! active. Elements and attributes of foreign namespaces (those of editors) are inert for browsers, and allowed.

use domain::file::Rejection;
use roxmltree::{Attribute, Document, Node, NodeType, ParsingOptions};

use super::encoding;

pub(super) const TYPE: &str = "image/svg+xml";

/// Largest SVG that is inspected, in bytes. Larger ones are rejected.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Most elements, attributes' owners, texts and comments.
const MAX_NODES: u32 = 200_000;

const SVG: &str = "http://www.w3.org/2000/svg";

/// Namespaces of which browsers make more than a picture.
const RUN: [&str; 4] = [
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/1998/Math/MathML",
    "http://www.w3.org/2001/xml-events",
    "http://www.w3.org/1999/XSL/Transform",
];

/// Elements that run, load or hold other documents, in small letters.
#[rustfmt::skip]
const ACTIVE: [&str; 10] = [
    "script", "foreignobject", "handler", "listener", "iframe", "object", "embed", "audio", "video", "animation",
];

/// Beginnings of allowed addresses: a part of this image, or pixels and fonts that are embedded in it.
const ALLOWED_REFERENCES: [&str; 9] = [
    "#",
    "data:image/png",
    "data:image/jpeg",
    "data:image/jpg",
    "data:image/gif",
    "data:image/webp",
    "data:font/",
    "data:application/font-",
    "data:application/x-font-",
];

/// Inspects an image; `bytes` are the whole file, or more than [`MAX_BYTES`].
pub(super) fn inspect(bytes: &[u8]) -> Result<(), Rejection> {
    if encoding::is_binary(bytes) {
        return Err(Rejection::TypeMismatch);
    }
    let small = u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_BYTES);
    let (text, is_utf8) = encoding::strict(bytes).filter(|_| small).ok_or(Rejection::ActiveContent)?;
    let text = text.trim_start_matches('\u{feff}');
    // A document type may declare them, and roxmltree makes nothing of attributes' defaults, which browsers do.
    let declares = ["<!ENTITY", "<!ATTLIST"].iter().any(|declaration| text.contains(declaration));
    if declares || !is_encoded_as_it_says(text, is_utf8) {
        return Err(Rejection::ActiveContent);
    }
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(text, options) else { return Err(Rejection::ActiveContent) };
    if !document.root_element().has_tag_name((SVG, "svg")) {
        return Err(Rejection::TypeMismatch);
    }
    if document.descendants().all(is_passive) { Ok(()) } else { Err(Rejection::ActiveContent) }
}

/// Returns true if the declaration names the actual encoding of the bytes: a reader that believed another one would read
/// another document.
fn is_encoded_as_it_says(text: &str, is_utf8: bool) -> bool {
    let declaration = text.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next()).unwrap_or_default();
    let Some((_, value)) = declaration.split_once("encoding") else { return true };
    let name = value.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '"' | '\''));
    let name = name.split(['"', '\'']).next().unwrap_or_default().to_ascii_lowercase();
    match name.as_str() {
        "utf-8" | "utf8" | "us-ascii" => is_utf8,
        "utf-16" | "utf-16le" | "utf-16be" => !is_utf8,
        _ => false,
    }
}

fn is_passive(node: Node<'_, '_>) -> bool {
    match node.node_type() {
        NodeType::Element => is_passive_element(node),
        NodeType::PI => node.pi().is_none_or(|instruction| instruction.target != "xml-stylesheet"),
        // A style sheet; elsewhere it is plain text.
        NodeType::Text => {
            let in_style = node.parent().is_some_and(|parent| parent.tag_name().name().eq_ignore_ascii_case("style"));
            !in_style || is_passive_style(node.text().unwrap_or_default())
        }
        NodeType::Root | NodeType::Comment => true,
    }
}

fn is_passive_element(element: Node<'_, '_>) -> bool {
    let (namespace, name) = (element.tag_name().namespace(), element.tag_name().name().to_ascii_lowercase());
    let runs = namespace.is_none_or(|namespace| namespace.is_empty() || RUN.contains(&namespace));
    // In every namespace: a reader without namespaces would take it for the active one.
    !runs && !ACTIVE.contains(&name.as_str()) && element.attributes().all(|attribute| is_passive_attribute(&attribute))
}

fn is_passive_attribute(attribute: &Attribute<'_, '_>) -> bool {
    let (name, value) = (attribute.name().to_ascii_lowercase(), attribute.value());
    match name.as_str() {
        "href" | "src" | "action" | "formaction" => is_inside(value),
        "base" => false,
        // An animation can set attributes that are not allowed.
        "attributename" => {
            let animated = value.trim().to_ascii_lowercase();
            let animated = animated.rsplit(':').next().unwrap_or_default();
            !animated.starts_with("on") && !matches!(animated, "href" | "src" | "style")
        }
        handler if handler.starts_with("on") => false,
        // Editors keep paths and links in attributes of their own.
        _ => attribute.namespace().is_some() || is_passive_style(value),
    }
}

/// Returns true for an address inside of this image.
fn is_inside(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase();
    address.is_empty() || ALLOWED_REFERENCES.iter().any(|start| address.starts_with(start))
}

/// Returns true for a style (or an attribute that may be one) that loads nothing. Escapes could hide a reference.
fn is_passive_style(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    let loads = ["\\", "@import", "expression(", "javascript:", "image-set(", "src(", "-moz-binding", "behavior:"];
    let addresses = style.split("url(").skip(1);
    let mut addresses = addresses.map(|rest| rest.trim_start().trim_start_matches(['"', '\'']));
    !loads.iter().any(|part| style.contains(part)) && addresses.all(is_inside)
}
