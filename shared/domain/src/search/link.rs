//! Links in texts: what begins with `http://`, `https://` or `www.`.

/// Beginnings of a link. No letter of theirs stands before them, and a letter or digit follows.
const BEGINNINGS: [&str; 3] = ["http://", "https://", "www."];

/// Returns true for a text with a web address.
pub fn has_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    BEGINNINGS.iter().any(|beginning| {
        text.match_indices(beginning).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + beginning.len()..].chars().next();
            !before.is_some_and(|before| before.is_ascii_alphanumeric()) && after.is_some_and(char::is_alphanumeric)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_as_people_write_them() {
        for text in ["see https://a.example/b", "(HTTP://x)", "www.example.com", "文https://例え.jp"] {
            assert!(has_link(text), "{text}");
        }
        for text in ["", "https://", "http:// x", "awww.no", "www. no", "mail@example.com"] {
            assert!(!has_link(text), "{text}");
        }
    }
}
