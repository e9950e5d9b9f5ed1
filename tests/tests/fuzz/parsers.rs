//! Mutated texts for the parsers, without a cloud: many more than can be sent.

#[path = "../../fuzz/properties.rs"]
mod properties;

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::mutate::{mutate_path, mutate_text, mutate_value};
use super::request::{self, Ids};
use super::setting;

/// Valid texts that are no JSON: times, names, searches and queries.
const TEXTS: &[&str] = &[
    "2026-11-22T10:00:00.123Z",
    "2026-11-22T10:00:00+02:00",
    "Zürich, 日本語 and हिन्दी",
    "👩\u{200d}👩\u{200d}👧",
    "report (final).tar.gz",
    "limit=20&cursor=00000000-0000-0000-0000-000000000001",
    "after_seq=1&before_seq=18446744073709551615&limit=50",
];

#[test]
fn parsers_keep_their_properties_for_mutated_texts() {
    let (seed, inputs) = (setting("FUZZ_SEED", || rand::rng().random()), setting("PARSER_INPUTS", || 20_000));
    let mut rng = StdRng::seed_from_u64(seed);
    let id = || Uuid::new_v4().to_string();
    let ids = Ids { own: vec![id()], users: vec![id(), id()], foreign: id() };
    for number in 0..inputs {
        let text = mutated(&ids, &mut rng);
        let data = [&[rng.random_range(0..properties::PARSERS)][..], text.as_bytes()].concat();
        let kept = catch_unwind(AssertUnwindSafe(|| properties::check(&data)));
        assert!(kept.is_ok(), "FUZZ_SEED={seed}, input {number}: parser {}, {text:?}", data[0]);
    }
}

/// Returns a valid frame, body, query or text, changed in one to four places.
fn mutated(ids: &Ids, rng: &mut StdRng) -> String {
    let mut text = match rng.random_range(0..4) {
        0 => TEXTS.choose(rng).map(|text| (*text).to_owned()).expect("there are some"),
        1 => mutate_path(&request::request(ids, rng).path, rng).split('?').next_back().unwrap_or_default().to_owned(),
        source => {
            let body = if source == 2 { Some(request::frame(ids, rng)) } else { request::request(ids, rng).body };
            let mut value = body.unwrap_or_default();
            for _ in 0..rng.random_range(0..3) {
                mutate_value(&mut value, rng);
            }
            value.to_string()
        }
    };
    for _ in 0..rng.random_range(0..2) {
        text = mutate_text(&text, rng);
    }
    text
}
