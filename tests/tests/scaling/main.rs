//! The arithmetic of `docs/scaling.md`, checked: ceilings of one stack, and cells by a simulation.

mod ceilings;
mod cells;
mod simulation;

/// Returns the page that has the arithmetic.
fn page() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scaling.md");
    std::fs::read_to_string(path).unwrap()
}

/// Fails unless the page has these words, wherever its lines break.
fn assert_quoted(words: &str) {
    let page = page().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(words), "docs/scaling.md lacks: {words}");
}
