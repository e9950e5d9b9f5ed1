//! Queries of text: words, phrases and prefixes, by the analyzers `whitespace` and `standard`.

use serde_json::json;

use crate::harness::Engine;

const NONE: [&str; 0] = [];

/// Three documents of terms that are cut at spaces alone.
async fn terms(engine: &Engine) -> String {
    let index = engine.index(json!({ "t": { "type": "text", "analyzer": "whitespace" } })).await;
    let texts = ["alpha beta gamma", "beta alpha", "alpha Beta gam snake_case a.b()", "delta", "alphabet soup"];
    engine.fill(&index, &texts.map(|text| json!({ "t": text }))).await;
    index
}

#[tokio::test]
async fn a_match_asks_for_any_or_for_all_words() {
    let engine = Engine::start().await;
    let index = terms(&engine).await;
    assert_eq!(engine.found(&index, json!({ "match": { "t": "alpha delta" } })).await, ["1", "2", "3", "4"]);
    let all = json!({ "match": { "t": { "query": "alpha beta", "operator": "and" } } });
    assert_eq!(engine.found(&index, all).await, ["1", "2"], "`Beta` is another term");
    let two = json!({ "match": { "t": { "query": "alpha beta gamma", "minimum_should_match": 2 } } });
    assert_eq!(engine.found(&index, two).await, ["1", "2"]);
    assert_eq!(engine.found(&index, json!({ "match": { "t": "a.b()" } })).await, ["3"]);
    assert_eq!(engine.found(&index, json!({ "match": { "t": "snake" } })).await, NONE);
    assert_eq!(engine.found(&index, json!({ "match": { "t": "  " } })).await, NONE, "a text without words");
    assert_eq!(engine.found(&index, json!({ "match": { "other": "alpha" } })).await, NONE, "an unmapped field");
}

#[tokio::test]
async fn a_phrase_has_its_words_in_their_order() {
    let engine = Engine::start().await;
    let index = terms(&engine).await;
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "alpha beta" } })).await, ["1"]);
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "beta alpha" } })).await, ["2"]);
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "alpha gamma" } })).await, NONE);
    let slop = json!({ "match_phrase": { "t": { "query": "alpha gamma", "slop": 1 } } });
    assert_eq!(engine.found(&index, slop).await, ["1"]);
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "delta" } })).await, ["4"], "one word");
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "" } })).await, NONE);
}

#[tokio::test]
async fn a_phrase_does_not_reach_over_values() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "t": { "type": "text", "analyzer": "whitespace" } })).await;
    engine.fill(&index, &[json!({ "t": ["one two", "three four"] }), json!({ "t": "two three" })]).await;
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "two three" } })).await, ["2"]);
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "three four" } })).await, ["1"]);
}

#[tokio::test]
async fn the_last_word_may_be_a_prefix() {
    let engine = Engine::start().await;
    let index = terms(&engine).await;
    assert_eq!(engine.found(&index, json!({ "match_phrase_prefix": { "t": "alpha b" } })).await, ["1"]);
    assert_eq!(engine.found(&index, json!({ "match_phrase_prefix": { "t": "alp" } })).await, ["1", "2", "3", "5"]);
    assert_eq!(engine.found(&index, json!({ "match_phrase_prefix": { "t": "b alpha" } })).await, NONE);
    let all = json!({ "match_bool_prefix": { "t": { "query": "beta gam", "operator": "and" } } });
    assert_eq!(engine.found(&index, all).await, ["1"], "in any order");
    assert_eq!(engine.found(&index, json!({ "match_bool_prefix": { "t": "soup del" } })).await, ["4", "5"]);
    let one = json!({ "match_bool_prefix": { "t": { "query": "gam alpha", "operator": "and" } } });
    assert_eq!(engine.found(&index, one).await, ["3"], "only the last word is a prefix");
}

#[tokio::test]
async fn a_prefix_at_the_end_of_a_phrase_stands_for_few_words_unless_told() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "t": { "type": "text", "analyzer": "whitespace" } })).await;
    let documents: Vec<_> = (0..60).map(|number| json!({ "t": format!("word w{number:02}") })).collect();
    engine.fill(&index, &documents).await;
    assert_eq!(engine.found(&index, json!({ "match_phrase_prefix": { "t": "word w" } })).await.len(), 50);
    let more = json!({ "match_phrase_prefix": { "t": { "query": "word w", "max_expansions": 1000 } } });
    assert_eq!(engine.found(&index, more).await.len(), 60);
    assert_eq!(
        engine
            .found(&index, json!({ "match_bool_prefix": { "t": { "query": "word w", "operator": "and" } } }))
            .await
            .len(),
        60
    );
    assert_eq!(engine.found(&index, json!({ "prefix": { "t": "w" } })).await.len(), 60);
}

#[tokio::test]
async fn the_standard_analyzer_has_words_in_lower_case() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "t": { "type": "text" } })).await;
    let texts = ["The 2 QUICK Brown-Foxes can't wait!", "東京タワー", "snake_case and a.b", "Quick, quick"];
    engine.fill(&index, &texts.map(|text| json!({ "t": text }))).await;
    let cases = [
        ("quick", vec!["1", "4"]),
        ("QUICK", vec!["1", "4"]),
        ("foxes", vec!["1"]),
        ("can't", vec!["1"]),
        ("京", vec!["2"]),
        ("タワー", vec!["2"]),
        ("snake", vec![]),
        ("snake_case", vec!["3"]),
        ("a.b", vec!["3"]),
    ];
    for (text, expected) in cases {
        assert_eq!(engine.found(&index, json!({ "match": { "t": text } })).await, expected, "{text}");
    }
    assert_eq!(engine.found(&index, json!({ "match_phrase": { "t": "brown foxes" } })).await, ["1"]);
    assert_eq!(engine.found(&index, json!({ "term": { "t": "QUICK" } })).await, NONE, "a term is not analysed");
    assert_eq!(engine.found(&index, json!({ "term": { "t": "quick" } })).await, ["1", "4"]);
}

#[tokio::test]
async fn the_better_match_comes_first() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "t": { "type": "text", "analyzer": "whitespace" } })).await;
    let texts = ["common one two three four five six", "common rare", "common common", "common seven eight"];
    engine.fill(&index, &texts.map(|text| json!({ "t": text }))).await;
    let answer = engine.search(&index, json!({ "query": { "match": { "t": "common rare" } } })).await.ok();
    let hits = answer["hits"]["hits"].as_array().unwrap();
    assert_eq!((&hits[0]["_id"], &hits[3]["_id"]), (&json!("2"), &json!("1")), "rare words and short texts count more");
    assert_eq!(answer["hits"]["max_score"], hits[0]["_score"]);
    let scores: Vec<f64> = hits.iter().map(|hit| hit["_score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|one, other| one >= other) && scores[3] > 0.0, "{scores:?}");
    let boosted = json!({ "bool": { "should": [
        { "match": { "t": "common" } }, { "match": { "t": { "query": "six", "boost": 50 } } },
    ] } });
    assert_eq!(engine.search(&index, json!({ "query": boosted })).await.ids()[0], "1");
}
