//! The specifications are those of the code, whole and true to themselves, and the template, the functions and the documentation
//! say the same.

mod codes;
mod examples;
mod routes;

use specification::{files, root};

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn specifications_are_those_of_the_code() {
    for (name, text) in files() {
        // Not `assert_eq!`, which would print both.
        assert!(read(name) == text, "{name} is stale: run `cargo run -p specification`");
    }
}

/// Readers of the specifications do not know the code.
#[test]
fn specifications_name_nothing_of_rust() {
    for (name, text) in files() {
        for word in ["MAX_", "`None`", "`Some", "crate::", "[`", "Vec<", "Option<"] {
            assert!(!text.contains(word), "{name} has `{word}`");
        }
    }
}
