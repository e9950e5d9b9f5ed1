//! Mutations of JSON values, texts and paths.

use std::iter;

use percent_encoding::NON_ALPHANUMERIC;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Texts that have broken software elsewhere.
const ODD_TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "\u{1}",
    "\u{b}",
    "\t\n",
    "\r",
    "\u{85}",
    "\u{2028}",
    "\u{200b}",
    "\u{3164}",
    "\u{2800}",
    "\u{feff}",
    "\u{202e}abc",
    "\u{2066}x\u{2069}",
    "\u{200d}",
    "e\u{301}",
    "\u{1f468}\u{200d}\u{1f469}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{fffe}",
    "\u{10ffff}",
    "\u{e0001}",
    "ｒｕｓｔ",
    "İ",
    "ς",
    "'; DROP TABLE users; --",
    "$1",
    ":name",
    "%00",
    "%2e%2e%2f",
    "../..",
    "null",
    "true",
    "0",
    "-0",
    "1e3",
    "0x10",
    "+1",
    "01",
    "9007199254740992",
    "18446744073709551616",
    "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000001}",
    "urn:uuid:00000000-0000-0000-0000-000000000001",
    "00000000000000000000000000000001",
    "9999-12-31T23:59:59-12:00",
    "0000-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-11-22T10:00:60Z",
    "1969-12-31T23:59:59.999Z",
    "private",
    "group",
    "public",
    "owner",
    "send",
    "ping",
    "me",
];

/// Returns a JSON value that a field does not expect.
fn odd_value(rng: &mut StdRng) -> Value {
    match rng.random_range(0..22) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(1.5),
        5 => json!(1e3),
        6 => json!(9_007_199_254_740_992_u64),
        7 => json!(u64::MAX),
        8 => json!(i64::MIN),
        9 => json!(1e308),
        10 => json!([]),
        11 => json!({}),
        12 => json!([[]]),
        13 => json!({"": {"": null}}),
        14 => json!(Uuid::from_u128(rng.random())),
        15 => json!("x".repeat(rng.random_range(0..10_000))),
        16 => json!("\u{1}".repeat(rng.random_range(0..9000))),
        17 => json!(vec![Value::Null; rng.random_range(0..200)]),
        18 => (0..rng.random_range(1..200)).fold(json!(1), |inner, _| json!([inner])),
        _ => json!(ODD_TEXTS.choose(rng).expect("there are some")),
    }
}

/// Returns the pointers of all values in a value.
fn pointers(value: &Value) -> Vec<String> {
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (escape(key), value)).collect(),
        Value::Array(items) => items.iter().take(20).enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    let below = children.into_iter().flat_map(|(key, child)| {
        pointers(child).into_iter().map(move |pointer| format!("/{key}{pointer}")).collect::<Vec<_>>()
    });
    iter::once(String::new()).chain(below).collect()
}

/// Changes one place of a value.
pub(crate) fn mutate_value(value: &mut Value, rng: &mut StdRng) {
    let pointers = pointers(value);
    let pointer = pointers.choose(rng).expect("a value has itself");
    let replacement = odd_value(rng);
    let other = pointers.choose(rng).and_then(|other| value.pointer(other)).cloned().unwrap_or_default();
    let Some(place) = value.pointer_mut(pointer) else { return };
    match (rng.random_range(0..8), &mut *place) {
        (0, Value::Object(fields)) => remove_one(fields, rng),
        (1, Value::Object(fields)) => {
            let key = ODD_TEXTS.choose(rng).expect("there are some");
            fields.insert((*key).to_owned(), replacement);
        }
        (2, place) => *place = json!([place]),
        (3, Value::Object(fields)) => *place = fields.values().cloned().collect(),
        (4, Value::Array(items)) => items.extend(items.clone()),
        (5, place) => *place = other,
        (6, Value::String(text)) => {
            let at = text.char_indices().map(|(at, _)| at).collect::<Vec<_>>().choose(rng).copied().unwrap_or(0);
            text.insert_str(at, ODD_TEXTS.choose(rng).expect("there are some"));
        }
        (_, place) => *place = replacement,
    }
}

fn remove_one(fields: &mut Map<String, Value>, rng: &mut StdRng) {
    let keys: Vec<String> = fields.keys().cloned().collect();
    if let Some(key) = keys.choose(rng) {
        fields.remove(key);
    }
}

/// Changes the bytes of a JSON text, so that it may no longer be JSON. The result is valid UTF-8.
pub(crate) fn mutate_text(text: &str, rng: &mut StdRng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = rng.random_range(0..=chars.len());
    match rng.random_range(0..9) {
        0 => chars.truncate(at),
        1 => drop(chars.drain(at.saturating_sub(rng.random_range(1..8))..at)),
        2 => chars
            .insert(at, *['"', '\\', '{', '}', '[', ']', ',', ':', '\0', '\u{feff}', '9'].choose(rng).expect("some")),
        3 => drop(chars.splice(at..at, "\\ud800".chars())),
        4 => drop(chars.splice(at..at, "\\u0000".chars())),
        5 => chars.insert(0, '\u{feff}'),
        6 => return format!("{text}{text}"),
        7 => {
            // The first field again.
            let end = chars.iter().position(|c| *c == ',').unwrap_or(chars.len());
            let first: Vec<char> = chars.get(1..end).unwrap_or_default().iter().copied().chain([',']).collect();
            drop(chars.splice(1.min(chars.len())..1.min(chars.len()), first));
        }
        _ => {
            let depth = rng.random_range(1..6000);
            return format!("{}{text}{}", "[".repeat(depth), "]".repeat(depth));
        }
    }
    chars.into_iter().collect()
}

/// Changes one segment of a path, or adds to its query.
pub(crate) fn mutate_path(path: &str, rng: &mut StdRng) -> String {
    let odd = percent_encode(ODD_TEXTS.choose(rng).expect("there are some"));
    let mut segments: Vec<&str> = path.split('/').collect();
    let at = rng.random_range(1..segments.len());
    match rng.random_range(0..6) {
        0 => segments.insert(at, &odd),
        1 => drop(segments.remove(at)),
        2 => {
            let parameter = ["limit", "cursor", "after_seq", "before_seq", "around_seq", "q", "seq", "size", "x"];
            let name = parameter.choose(rng).expect("there are some");
            let separator = if path.contains('?') { '&' } else { '?' };
            return format!("{path}{separator}{name}={odd}");
        }
        3 => return path.replacen('=', "=%", 1),
        4 => return format!("{path}?limit=1&limit={odd}"),
        _ => segments[at] = &odd,
    }
    segments.join("/")
}

fn percent_encode(text: &str) -> String {
    percent_encoding::percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string()
}
