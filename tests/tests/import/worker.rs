//! A worker in the test's own process, with an import that no other worker knows of.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chat::imports::{Destinations, ImportJob, ImportRequests};
use domain::import::Import;
use domain::protocol::http::NewImportRequest;
use domain::{ImportId, Timestamp};
use end_to_end::test_user::client;
use end_to_end::{Cloud, aws};
use store::Schedules;
use store::dynamodb::{FileItems, ImportedItems, Imports, Watermarks};
use store::import_objects::ImportObjects;
use store::s3::Objects;
use store::sql::{FileMetadata, ImportRows, Users};
use store::sqs::{ImportBody, Queue};
use uuid::Uuid;

/// Name of the table of imports.
const IMPORTS: &str = "local-ImportsTable";

/// Time that an invocation keeps for handing over.
pub(crate) const HANDOVER_RESERVE: Duration = Duration::from_secs(45);

pub(crate) struct Worker {
    pub(crate) job: ImportJob,
    requests: ImportRequests,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Worker {
    /// A worker of a queue of its own.
    pub(crate) async fn new(cloud: &Cloud) -> Self {
        let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
        let s3 = aws::config().to_builder().endpoint_url(&cloud.endpoints.aws.s3).build();
        let s3 = aws_sdk_s3::Client::new(&s3);
        let [delivered, read] = ["local-DeliveryStatusTable", "local-ReadStatusTable"].map(str::to_owned);
        let watermarks = Watermarks::new(dynamodb.clone(), delivered, read);
        let pool = aws::database(cloud);
        let sqs = aws::sqs(cloud);
        let queue = sqs.create_queue().queue_name(format!("imports-{}", Uuid::new_v4())).send().await.unwrap();
        let queue = Queue::new(sqs, queue.queue_url.unwrap());
        let imports = Imports::new(dynamodb.clone(), IMPORTS.to_owned());
        let objects = ImportObjects::new(s3.clone(), "local-exportsbucket".to_owned());
        let (messages, members) = (aws::MESSAGES.to_owned(), aws::MEMBERS.to_owned());
        let to = Destinations {
            rows: ImportRows::new(pool.clone()),
            users: Users::new(pool.clone()),
            members: aws::log(&dynamodb).members,
            items: ImportedItems::new(dynamodb.clone(), messages, members, watermarks),
            metadata: FileMetadata::new(pool),
            file_items: FileItems::new(dynamodb.clone(), "local-FilesTable".to_owned()),
            objects: Objects::new(s3, "files-00000000-0000-0000-0000-000000000000".to_owned()),
            archive: None,
            retention: None,
            search: None,
        };
        let schedules = Schedules::new(
            aws::scheduler(cloud),
            "local-ScheduleGroup".to_owned(),
            "arn:aws:iam::000000000000:role/local-ScheduleRole".to_owned(),
            "arn:aws:sqs:us-east-1:000000000000:local-ImportQueue".to_owned(),
        );
        let job = ImportJob { imports: imports.clone(), objects: objects.clone(), to, queue: queue.clone(), schedules };
        Self { job, requests: ImportRequests { imports, objects, queue }, dynamodb }
    }

    /// Starts an import of a file.
    pub(crate) async fn start(&self, source: &str, bytes: Vec<u8>) -> ImportId {
        let new = NewImportRequest {
            source: source.to_owned(),
            size: bytes.len() as u64,
            users: domain::import::ImportedUsers::Kept,
        };
        let import = self.requests.create("test", "https://issuer.example", new).await.unwrap();
        let put = client().put(import.upload.unwrap().url).header("content-type", "application/zip");
        assert_eq!(put.body(bytes).send().await.unwrap().status().as_u16(), 200);
        self.requests.start("test", import.import_id).await.unwrap();
        import.import_id
    }

    /// An invocation that has this time besides that for handing over.
    pub(crate) async fn work(&self, import_id: ImportId, time: Duration) {
        let deadline = Timestamp::now().plus(HANDOVER_RESERVE + time);
        self.job.work(ImportBody { import_id, round: 0 }, deadline).await.unwrap();
    }

    /// Ends the claim of a worker that has crashed.
    pub(crate) async fn end_claim(&self, import: ImportId) {
        let update = self.dynamodb.update_item().table_name(IMPORTS);
        let update = update.key("import_id", AttributeValue::S(import.to_string()));
        let update =
            update.update_expression("SET claimed_until = :ended").condition_expression("attribute_exists(import_id)");
        update.expression_attribute_values(":ended", AttributeValue::N("1".to_owned())).send().await.unwrap();
    }

    pub(crate) async fn state(&self, import: ImportId) -> Import {
        self.requests.get("test", import).await.unwrap()
    }

    pub(crate) async fn cancel(&self, import: ImportId) {
        self.requests.cancel("test", import).await.unwrap();
    }
}
