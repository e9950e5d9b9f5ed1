//! What has expired goes from the archive as well.

use chat::archive::Items;
use domain::period::SeqRange;
use domain::{Content, SegmentSize, Seq};
use end_to_end::lambda::invoke;
use end_to_end::long_log::append;
use end_to_end::{TestUser, aws};
use serde_json::json;
use store::dynamodb::Chunks;
use store::dynamodb::messages::Order;

use crate::room::{Room, cloud, seqs, until};

/// The archive has two segments, and the expired part ends within the second.
#[tokio::test]
async fn archived_messages_expire_to_the_seq() {
    let cloud = cloud();
    let alice = TestUser::of(cloud, "alice").await;
    let room = Room::of(cloud, &alice, &[]).await;
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let head = aws::log(&dynamodb).messages.head(room.conversation_id(), true).await.unwrap().unwrap();
    let text = |seq: u64| Content::new(format!("secret {seq}."), None, Vec::new()).unwrap();
    append(&dynamodb, head, (2..=3_010).map(text)).await.unwrap();
    // Old enough for the archive, and not yet expired.
    room.age(1_400, 6).await;
    room.age(2_000, 20).await;
    let chunks = Chunks::new(dynamodb.clone(), aws::MESSAGES.to_owned());
    until("the archive", async || {
        invoke(cloud, "LogArchive", json!({"conversation_id": room.id}).to_string()).await;
        room.rows(2_000).await.is_empty().then_some(())
    })
    .await;
    // The chunks have the times, so a shorter time of the conversation makes some of them too old.
    assert_eq!(alice.patch(&room.path, &json!({"retention_days": 25})).await.0, 200);
    room.expire(&alice, 1_400).await;
    let segment = |seq: u64| {
        let first = SegmentSize::STORED.segment_of(Seq(seq)).first;
        let (chunks, room) = (&chunks, &room);
        async move { chunks.get(room.conversation_id(), first).await.unwrap() }
    };
    until("the first segment", async || segment(1).await.is_none().then_some(())).await;
    let second = until("the second segment", async || segment(1_001).await.filter(|item| item.generation == 2)).await;
    let keys = async || -> Vec<String> {
        let objects = aws::chunk_objects(cloud).list(&room.id).await.unwrap();
        objects.into_iter().map(|object| object.key).collect()
    };
    until("the objects", async || (keys().await == [second.object_key.clone()]).then_some(())).await;
    let object = aws::chunk_objects(cloud).get(&second.object_key).await.unwrap().unwrap();
    let text = String::from_utf8(zstd::decode_all(object.as_ref()).unwrap()).unwrap();
    let has = [1_001, 1_400, 1_401, 2_000].map(|seq| text.contains(&format!("secret {seq}.")));
    assert_eq!(has, [false, false, true, true]);
    let (_, oldest) = alice.get(&format!("{}/messages?after_seq=0&limit=3", room.path)).await;
    assert_eq!(seqs(&oldest), [1_401, 1_402, 1_403]);
    // So does a read that does not know what has expired, such as that of the index of the search.
    let items = Items { messages: aws::log(&dynamodb).messages, archive: Some(aws::archive(cloud)) };
    let all = SeqRange { first: Seq(1), last: Seq(2_100) };
    let read = items.read(room.conversation_id(), all, Order::Ascending, usize::MAX, true).await.unwrap();
    assert!(read.iter().map(|item| item.seq.0).eq(1_401..=2_100), "{:?}", read.first().map(|item| item.seq));

    // The rest of the archive, in one step.
    assert_eq!(alice.patch(&room.path, &json!({"retention_days": 19})).await.0, 200);
    room.expire(&alice, 2_000).await;
    until("the archive", async || keys().await.is_empty().then_some(())).await;
    assert_eq!((segment(1).await, segment(1_001).await), (None, None));
    let (_, oldest) = alice.get(&format!("{}/messages?after_seq=0&limit=3", room.path)).await;
    assert_eq!(seqs(&oldest), [2_001, 2_002, 2_003]);
}
