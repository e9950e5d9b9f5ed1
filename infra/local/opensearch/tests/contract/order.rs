//! The order of hits, pages after a hit, and what an answer holds.

use serde_json::{Value, json};

use crate::harness::Engine;

async fn index(engine: &Engine) -> String {
    let index = engine
        .index(json!({ "k": { "type": "keyword" }, "n": { "type": "long" }, "at": { "type": "date", "format": "epoch_millis" } }))
        .await;
    let documents = [
        json!({ "k": "b", "n": 3, "at": 300 }),
        json!({ "k": "a", "n": 1, "at": 200 }),
        json!({ "k": "c", "n": 2, "at": 200 }),
        json!({ "at": 100 }),
        json!({ "k": ["d", "0"], "n": [9, -9], "at": 100 }),
    ];
    // In two segments: an order has to hold over them.
    engine.fill(&index, &documents[..3]).await;
    let lines = (4..)
        .zip(&documents[3..])
        .flat_map(|(id, document)| [json!({ "index": { "_index": index, "_id": id.to_string() } }), document.clone()]);
    let lines: Vec<_> = lines.collect();
    engine.bulk("/_bulk?refresh=true", &lines).await.ok();
    index
}

#[tokio::test]
async fn hits_come_in_the_order_of_a_field() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let cases: [(Value, [&str; 5]); 8] = [
        (json!(["n"]), ["5", "2", "3", "1", "4"]),
        (json!([{ "n": "desc" }]), ["5", "1", "3", "2", "4"]),
        (json!([{ "n": { "order": "asc", "missing": "_first" } }]), ["4", "5", "2", "3", "1"]),
        (json!({ "k": { "order": "asc" } }), ["5", "2", "1", "3", "4"]),
        (json!([{ "k": "desc" }]), ["5", "3", "1", "2", "4"]),
        (json!([{ "k": { "order": "desc", "missing": "_first" } }]), ["4", "5", "3", "1", "2"]),
        (json!([{ "at": "desc" }, { "n": "asc" }]), ["1", "2", "3", "5", "4"]),
        (json!([{ "at": "asc" }, { "k": "desc" }]), ["5", "4", "3", "2", "1"]),
    ];
    for (sort, expected) in cases {
        assert_eq!(engine.search(&index, json!({ "sort": sort })).await.ids(), expected, "{sort}");
    }
}

#[tokio::test]
async fn hits_tell_the_values_of_their_order() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let sort = json!([{ "at": "desc" }, { "k": "asc" }, { "n": "asc" }]);
    let answer = engine.search(&index, json!({ "sort": sort })).await.ok();
    let hits = &answer["hits"]["hits"];
    assert_eq!(hits[0]["sort"], json!([300, "b", 3]));
    assert_eq!(hits[4]["sort"], json!([100, null, i64::MAX]));
    assert_eq!((&hits[0]["_score"], &answer["hits"]["max_score"]), (&Value::Null, &Value::Null));
    let best = engine.search(&index, json!({ "query": { "term": { "k": "b" } } })).await.ok();
    assert!(best["hits"]["hits"][0]["_score"].is_number() && best["hits"]["hits"][0].get("sort").is_none());
}

#[tokio::test]
async fn a_page_begins_after_the_last_hit_of_the_one_before() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    for sort in [
        json!([{ "at": "desc" }, { "k": "asc" }]),
        json!([{ "k": "desc" }, { "n": "asc" }]),
        json!([{ "n": "asc" }]),
        json!([{ "k": { "order": "asc", "missing": "_first" } }]),
    ] {
        let whole = engine.search(&index, json!({ "sort": sort })).await.ids();
        let mut paged = Vec::new();
        let mut after = None::<Value>;
        loop {
            let mut body = json!({ "sort": sort, "size": 2 });
            if let Some(after) = &after {
                body["search_after"] = after.clone();
            }
            let answer = engine.search(&index, body).await.ok();
            let hits = answer["hits"]["hits"].as_array().unwrap().clone();
            assert_eq!(answer["hits"]["total"]["value"], 5, "a page counts all");
            let Some(last) = hits.last() else { break };
            after = Some(last["sort"].clone());
            assert!(paged.len() < whole.len(), "{sort}: the pages do not end");
            paged.extend(hits.iter().map(|hit| hit["_id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(paged, whole, "{sort}");
    }
}

#[tokio::test]
async fn a_page_may_begin_between_hits() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let after = |sort: Value, after: Value| engine.search(&index, json!({ "sort": sort, "search_after": after }));
    assert_eq!(after(json!([{ "k": "asc" }]), json!(["aa"])).await.ids(), ["1", "3", "4"]);
    assert_eq!(after(json!([{ "k": "desc" }]), json!(["bb"])).await.ids(), ["1", "2", "4"]);
    assert_eq!(after(json!([{ "n": "desc" }]), json!([2])).await.ids(), ["2", "4"]);
    assert_eq!(after(json!([{ "at": "asc" }]), json!([100])).await.ids().len(), 3);
}

#[tokio::test]
async fn hits_are_counted_as_far_as_asked() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let total = |body: Value| {
        let answer = engine.search(&index, body);
        async move { answer.await.ok()["hits"].get("total").cloned() }
    };
    assert_eq!(total(json!({ "size": 0 })).await, Some(json!({ "value": 5, "relation": "eq" })));
    assert_eq!(total(json!({ "track_total_hits": true })).await, Some(json!({ "value": 5, "relation": "eq" })));
    assert_eq!(total(json!({ "track_total_hits": 5 })).await, Some(json!({ "value": 5, "relation": "eq" })));
    assert_eq!(total(json!({ "track_total_hits": false })).await, None);
}

#[tokio::test]
async fn pages_begin_at_a_number() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let page = |from: u64, size: u64| engine.search(&index, json!({ "sort": ["n"], "from": from, "size": size }));
    assert_eq!(page(0, 2).await.ids(), ["5", "2"]);
    assert_eq!(page(2, 2).await.ids(), ["3", "1"]);
    assert_eq!(page(4, 2).await.ids(), ["4"]);
    assert_eq!(page(5, 2).await.ids(), [""; 0]);
    assert_eq!(engine.search(&index, json!({ "size": 0 })).await.ids(), [""; 0]);
}

#[tokio::test]
async fn hits_have_the_part_of_the_source_that_is_asked_for() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let source = |filter: Value| {
        let answer = engine.search(&index, json!({ "query": { "ids": { "values": ["1"] } }, "_source": filter }));
        async move { answer.await.ok()["hits"]["hits"][0].get("_source").cloned() }
    };
    assert_eq!(source(json!(true)).await, Some(json!({ "k": "b", "n": 3, "at": 300 })));
    assert_eq!(source(json!(false)).await, None);
    assert_eq!(source(json!(["k", "n", "other"])).await, Some(json!({ "k": "b", "n": 3 })));
    assert_eq!(source(json!("k")).await, Some(json!({ "k": "b" })));
}

#[tokio::test]
async fn bad_matches_are_left_out() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let query = json!({ "bool": { "should": [
        { "constant_score": { "filter": { "term": { "k": "a" } }, "boost": 1 } },
        { "constant_score": { "filter": { "term": { "k": "b" } }, "boost": 2 } },
    ] } });
    let answer = engine.search(&index, json!({ "query": query, "min_score": 1.5 })).await.ok();
    assert_eq!(answer["hits"]["total"]["value"], 1);
    assert_eq!(answer["hits"]["hits"][0]["_id"], "1");
    let answer = engine.search(&index, json!({ "timeout": "30s" })).await.ok();
    assert_eq!((&answer["timed_out"], &answer["_shards"]["failed"]), (&json!(false), &json!(0)));
    assert!(answer["took"].is_u64());
}
