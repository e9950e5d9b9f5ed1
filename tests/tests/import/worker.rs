//! A worker in the test's own process, with an import that no other worker knows of.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chat::archive::Archiver;
use chat::imports::{Archiving, Destinations, ImportJob, ImportRequests};
use domain::import::{Import, ImportState};
use domain::protocol::http::NewImportRequest;
use domain::{ImportId, Timestamp};
use end_to_end::test_user::client;
use end_to_end::{Cloud, StoredState, aws};
use serde_json::{Value, json};
use store::Schedules;
use store::dynamodb::{FileItems, ImportedItems, Imports, Watermarks};
use store::import_objects::ImportObjects;
use store::s3::Objects;
use store::sql::{FileMetadata, ImportRows, Users};
use store::sqs::{ArchiveBody, ImportBody, Queue};
use uuid::Uuid;

/// Name of the table of imports.
const IMPORTS: &str = "local-ImportsTable";

/// Time that an invocation keeps for handing over.
pub(crate) const HANDOVER_RESERVE: Duration = Duration::from_secs(45);

pub(crate) struct Worker {
    pub(crate) job: ImportJob,
    requests: ImportRequests,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    archive_queue: String,
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
        let queue_of = async |name: &str| {
            let queue = sqs.create_queue().queue_name(format!("{name}-{}", Uuid::new_v4())).send().await.unwrap();
            queue.queue_url.unwrap()
        };
        let queue = Queue::new(sqs.clone(), queue_of("imports").await);
        let imports = Imports::new(dynamodb.clone(), IMPORTS.to_owned());
        let objects = ImportObjects::new(s3.clone(), "local-exportsbucket".to_owned());
        let (messages, members) = (aws::MESSAGES.to_owned(), aws::MEMBERS.to_owned());
        let archive_queue = queue_of("archive").await;
        let (archive, messages_table) = (aws::archive(cloud), aws::log(&dynamodb).messages);
        let after = Duration::from_hours(180 * 24);
        let archiver = Archiver { archive, messages: messages_table, after, deletion_rate: 0 };
        let archiving = Archiving { archiver, queue: Queue::new(sqs.clone(), archive_queue.clone()) };
        let to = Destinations {
            rows: ImportRows::new(pool.clone()),
            users: Users::new(pool.clone()),
            members: aws::log(&dynamodb).members,
            items: ImportedItems::new(dynamodb.clone(), messages, members, watermarks),
            metadata: FileMetadata::new(pool),
            file_items: FileItems::new(dynamodb.clone(), "local-FilesTable".to_owned()),
            objects: Objects::new(s3, "files-00000000-0000-0000-0000-000000000000".to_owned()),
            archive: Some(archiving),
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
        Self { job, requests: ImportRequests { imports, objects, queue }, dynamodb, sqs, archive_queue }
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

    /// Takes step after step until the log of a conversation has items. It is not visible then.
    pub(crate) async fn until_written(&self, import: ImportId, conversation: &str) {
        let cloud = Cloud::shared();
        while StoredState::of(cloud, conversation).await.log.is_empty() {
            self.work(import, Duration::ZERO).await;
            assert_eq!(self.state(import).await.state, ImportState::Running);
        }
    }

    /// Names the checkpoint of the step before, as a crash would have left it.
    pub(crate) async fn step_back(&self, import: ImportId) {
        let item = self.job.imports.get(import).await.unwrap().unwrap();
        let name = item.checkpoint.unwrap();
        let checkpoint = self.job.objects.checkpoint(import, &name).await.unwrap();
        let mut saved: Value = serde_json::from_slice(&checkpoint).unwrap();
        let messages = &mut saved["cursor"]["messages"];
        (messages["entry"], messages["line"]) = (0.into(), 0.into());
        messages["end"] =
            json!({"seq": 0, "sent_at": Timestamp::MIN, "members_seq": 1, "changed_at": Timestamp::MIN, "changes": 0});
        saved["conversation"]["archived"] = json!([]);
        self.job.objects.put_checkpoint(import, &name, serde_json::to_vec(&saved).unwrap()).await.unwrap();
    }

    /// Receives the tasks of the archive; returns the first seqs of their segments.
    pub(crate) async fn queued_segments(&self) -> Vec<u64> {
        let received = self.sqs.receive_message().queue_url(&self.archive_queue).max_number_of_messages(10);
        let messages = received.send().await.unwrap().messages.unwrap_or_default();
        let tasks = messages.iter().map(|message| message.body.as_deref().unwrap_or_default());
        let mut firsts: Vec<u64> = tasks
            .map(|task| match serde_json::from_str(task).unwrap() {
                ArchiveBody::Segment { first, .. } => first.0,
                task @ ArchiveBody::Range { .. } => panic!("{task:?}"),
            })
            .collect();
        firsts.sort_unstable();
        firsts
    }

    pub(crate) async fn state(&self, import: ImportId) -> Import {
        self.requests.get("test", import).await.unwrap()
    }

    pub(crate) async fn cancel(&self, import: ImportId) {
        self.requests.cancel("test", import).await.unwrap();
    }
}
