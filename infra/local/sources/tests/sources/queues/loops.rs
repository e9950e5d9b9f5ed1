//! Recursive loops through a queue, with a function that uses AWS's own client.

use local_lambda::MAX_INVOCATIONS_IN_CHAIN;
use tokio::time::Instant;

use super::mapping::{Mapping, TIMEOUT};

#[tokio::test]
async fn a_loop_through_a_queue_ends_in_its_dead_letter_queue() {
    let mapping = Mapping::resending(1, false).await;
    mapping.send("again").await;
    mapping.run();
    mapping.until_counts(0, 1).await;
    let stats = &mapping.lambda.stats()["Echo"];
    assert_eq!((stats.invocations, stats.errors), (u64::from(MAX_INVOCATIONS_IN_CHAIN), 0), "{stats:?}");
    // Each receive of the message until it was moved.
    assert_eq!(stats.recursive_invocations_dropped, 2);
    let reading = mapping.reading();
    assert_eq!(reading.functions["Echo"].recursive_invocations_dropped, 2);
    assert!(reading.table(None).contains("Echo: 2 recursive invocations dropped"), "{}", reading.table(None));
}

#[tokio::test]
async fn a_loop_goes_on_that_the_template_allows() {
    let mapping = Mapping::resending(30, true).await;
    mapping.send("again").await;
    mapping.run();
    let deadline = Instant::now() + TIMEOUT;
    while mapping.lambda.stats()["Echo"].invocations < u64::from(2 * MAX_INVOCATIONS_IN_CHAIN) {
        assert!(Instant::now() < deadline, "{:?}", mapping.lambda.stats());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn other_messages_of_a_batch_are_delivered() {
    let mapping = Mapping::new(1, None).await;
    let trace = mapping.trace_of_a_loop().await;
    // Another function's chain.
    mapping.send_traced("fine", "Root=1-69963f09-0d53825959fc8b6738f20936;Lineage=1:00000000:20").await;
    mapping.send_traced("looping", &trace).await;
    mapping.run();
    mapping.until_counts(0, 1).await;
    assert_eq!(mapping.deliveries(), [("fine".to_owned(), 1)].into());
}
