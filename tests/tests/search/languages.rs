//! The table of languages, through the index.

use end_to_end::TestUser;
use end_to_end::cloud::root;
use futures_util::{StreamExt, stream};
use serde::Deserialize;

use crate::room::{Room, find, quoted, seqs};

/// A case of `tests/languages.json`.
#[derive(Deserialize)]
struct Case {
    language: String,
    text: String,
    finds: Vec<String>,
    misses: Vec<String>,
}

#[tokio::test]
async fn every_language_is_found_as_its_users_write_it() {
    let cases = std::fs::read_to_string(root().join("tests/languages.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&cases).unwrap();
    let alice = TestUser::new("alice").await;
    let room = Room::of(&alice, &[]).await;
    let mut sent = Vec::new();
    for case in cases {
        sent.push((room.say(&alice, &case.text).await, case));
    }
    room.settle(&alice).await;
    let searches = sent.iter().flat_map(|(seq, case)| {
        let finds = case.finds.iter().map(move |q| (*seq, case, q, true));
        finds.chain(case.misses.iter().map(move |q| (*seq, case, q, false)))
    });
    let (alice, room) = (&alice, &room);
    let asked = stream::iter(searches).map(|(seq, case, q, is_found)| async move {
        let page = find(alice, &format!("{}&conversation_id={}&limit=50", quoted(q), room.id)).await;
        let found = seqs(&page).contains(&seq);
        (found == is_found).then_some(()).ok_or_else(|| format!("{}: {q:?} in {:?}: {page}", case.language, case.text))
    });
    let asked: Vec<Result<(), String>> = asked.buffer_unordered(8).collect().await;
    assert!(asked.len() > 100);
    let wrong: Vec<String> = asked.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
