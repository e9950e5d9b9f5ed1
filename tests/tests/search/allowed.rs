//! Deployments without a search, and an index that does not answer.

use end_to_end::{Cloud, TestUser};

#[tokio::test]
async fn without_an_index_the_answer_says_so() {
    let cloud = Cloud::start_with(None, &["Search=off"]);
    let alice = TestUser::of(&cloud, "alice").await;
    let (status, refused) = alice.get("/v1/search?q=hello").await;
    assert_eq!((status, refused["code"].as_str()), (501, Some("search_off")), "{refused}");
    assert_eq!(refused["retryable"], false);
    cloud.stop();
}
