//! Everything that a cloud stores, as text.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use end_to_end::test_user::client;
use end_to_end::{Cloud, aws};
use sqlx_data_api::query_scalar;
use store::opensearch::READ_ALIAS;
use zip::ZipArchive;

/// Time that the workers of files, of the search and of exports may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// Returns the places that have one of these words.
pub(crate) async fn places(cloud: &Cloud, words: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut look = |place: String, bytes: &[u8]| {
        let has = |word: &&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        found.extend(words.iter().any(has).then_some(place));
    };
    tables(cloud, &mut look).await;
    let database: String = query_scalar("SELECT schema_to_xml('public', true, false, '')::text")
        .fetch_one(&aws::database(cloud))
        .await
        .expect("the database");
    assert!(database.contains("file_metadata") && database.contains("erasures"), "the database is not whole");
    look("database".to_owned(), database.as_bytes());
    buckets(cloud, &mut look).await;
    queues(cloud, &mut look).await;
    schedules(cloud, &mut look).await;
    look("search".to_owned(), documents(cloud).await.as_bytes());
    look("log".to_owned(), cloud.log().as_bytes());
    found
}

/// Waits until no place has one of these words.
pub(crate) async fn until_nowhere(cloud: &Cloud, words: &[&str]) {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let found = places(cloud, words).await;
        if found.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?} still have {words:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn tables(cloud: &Cloud, look: &mut impl FnMut(String, &[u8])) {
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let names = dynamodb.list_tables().send().await.expect("tables").table_names.unwrap_or_default();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        let mut items = dynamodb.scan().table_name(&name).into_paginator().items().send();
        while let Some(item) = items.next().await {
            look(format!("table {name}"), format!("{:?}", item.expect("an item")).as_bytes());
        }
    }
}

/// The objects of all buckets, those within archives too.
async fn buckets(cloud: &Cloud, look: &mut impl FnMut(String, &[u8])) {
    let s3 = Client::new(&aws::config().to_builder().endpoint_url(&cloud.endpoints.aws.s3).build());
    let buckets = s3.list_buckets().send().await.expect("buckets").buckets.unwrap_or_default();
    assert!(buckets.len() > 2, "{buckets:?}");
    for bucket in buckets.into_iter().filter_map(|bucket| bucket.name) {
        let mut pages = s3.list_objects_v2().bucket(&bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.expect("a page of objects").contents.unwrap_or_default() {
                let key = object.key.expect("a key");
                // One that is deleted meanwhile is not there.
                let Ok(object) = s3.get_object().bucket(&bucket).key(&key).send().await else { continue };
                let described = format!("{key} {:?} {:?}", object.metadata, object.content_disposition);
                let bytes = object.body.collect().await.expect("an object").to_vec();
                let place = format!("bucket {bucket}/{}", key.split('/').next().unwrap_or_default());
                look(place.clone(), described.as_bytes());
                look(place.clone(), &bytes);
                if let Ok(text) = zstd::decode_all(bytes.as_slice()) {
                    look(place.clone(), &text);
                }
                if let Ok(mut zip) = ZipArchive::new(std::io::Cursor::new(&bytes)) {
                    for index in 0..zip.len() {
                        let mut text = Vec::new();
                        zip.by_index(index).expect("an entry").read_to_end(&mut text).expect("an entry");
                        look(place.clone(), &text);
                    }
                }
            }
        }
    }
}

/// The messages of all queues, dead letters too.
async fn queues(cloud: &Cloud, look: &mut impl FnMut(String, &[u8])) {
    let sqs = aws::sqs(cloud);
    let urls = sqs.list_queues().send().await.expect("queues").queue_urls.unwrap_or_default();
    assert!(urls.iter().filter(|url| url.contains("DeadLetter")).count() > 5, "{urls:?}");
    for url in urls {
        let receive = sqs.receive_message().queue_url(&url).max_number_of_messages(10).visibility_timeout(0);
        for message in receive.send().await.expect("messages").messages.unwrap_or_default() {
            look(format!("queue {url}"), format!("{message:?}").as_bytes());
        }
    }
}

async fn schedules(cloud: &Cloud, look: &mut impl FnMut(String, &[u8])) {
    let scheduler = aws::scheduler(cloud);
    let listed = scheduler.list_schedules().send().await.expect("schedules").schedules;
    for schedule in listed {
        let get = scheduler.get_schedule().name(schedule.name.expect("a name")).set_group_name(schedule.group_name);
        if let Ok(found) = get.send().await {
            look("schedules".to_owned(), format!("{:?}", found.target).as_bytes());
        }
    }
}

/// All documents of the search.
async fn documents(cloud: &Cloud) -> String {
    let url = format!("{}/{READ_ALIAS}/_search", cloud.endpoints.aws.opensearch);
    let request = client().post(url).header("content-type", "application/json");
    let request = request.body(r#"{"query": {"match_all": {}}, "size": 10000}"#);
    let answer = local_testing::signed(request, "aoss").send().await.expect("OpenSearch answers");
    answer.text().await.expect("documents")
}
