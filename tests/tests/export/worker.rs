//! A worker in the test's own process, with an export that no other worker knows of.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chat::exports::{ExportJob, ExportRequests, Sources};
use chat::inbox::Inbox;
use chat::receipts::StatusReader;
use domain::export::{Export, Subject};
use domain::{ExportId, Timestamp, UserId};
use end_to_end::{Cloud, aws};
use store::Schedules;
use store::dynamodb::{Connections, Exports, FileItems, Watermarks};
use store::export_objects::ExportObjects;
use store::s3::Objects;
use store::sql::{FileMetadata, Users};
use store::sqs::{ExportBody, Queue};
use uuid::Uuid;

use crate::setup::Archive;

/// Name of the table of exports.
const EXPORTS: &str = "local-ExportsTable";

/// Name of the bucket of exports.
const BUCKET: &str = "local-exportsbucket";

/// Time that an invocation keeps for handing over.
pub(crate) const HANDOVER_RESERVE: Duration = Duration::from_secs(45);

pub(crate) struct Worker {
    pub(crate) job: ExportJob,
    pub(crate) requests: ExportRequests,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Worker {
    /// A worker of a queue of its own.
    pub(crate) async fn new(cloud: &Cloud) -> Self {
        let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
        let s3 = aws::config().to_builder().endpoint_url(&cloud.endpoints.aws.s3).build();
        let s3 = aws_sdk_s3::Client::new(&s3);
        let log = aws::log(&dynamodb);
        let tables = ["local-DeliveryStatusTable", "local-ReadStatusTable"].map(str::to_owned);
        let [delivered, read] = tables;
        let watermarks = Watermarks::new(dynamodb.clone(), delivered, read);
        let pool = aws::database(cloud);
        let sqs = aws::sqs(cloud);
        let queue = sqs.create_queue().queue_name(format!("exports-{}", Uuid::new_v4())).send().await.unwrap();
        let queue = Queue::new(sqs, queue.queue_url.unwrap());
        let exports = Exports::new(dynamodb.clone(), EXPORTS.to_owned());
        let objects = ExportObjects::new(s3.clone(), BUCKET.to_owned());
        let members = log.members.clone();
        let sources = Sources {
            status_reader: StatusReader {
                items: log.items(),
                members: members.clone(),
                watermarks: watermarks.clone(),
            },
            inbox: Inbox { log, watermarks },
            members: members.clone(),
            users: Users::new(pool.clone()),
            metadata: FileMetadata::new(pool),
            file_items: FileItems::new(dynamodb.clone(), "local-FilesTable".to_owned()),
            objects: Objects::new(s3, "files-00000000-0000-0000-0000-000000000000".to_owned()),
        };
        let schedules = Schedules::new(
            aws::scheduler(cloud),
            "local-ScheduleGroup".to_owned(),
            "arn:aws:iam::000000000000:role/local-ScheduleRole".to_owned(),
            "arn:aws:sqs:us-east-1:000000000000:local-ExportQueue".to_owned(),
        );
        let connections = Connections::new(dynamodb.clone(), aws::CONNECTIONS.to_owned());
        let job = ExportJob {
            exports: exports.clone(),
            export_objects: objects.clone(),
            sources,
            connections,
            queue: queue.clone(),
            schedules,
        };
        let requests = ExportRequests { exports, objects, members, queue, per_day: u32::MAX };
        Self { job, requests, dynamodb }
    }

    pub(crate) async fn request(&self, by: UserId, subject: Subject, files: bool) -> ExportId {
        self.requests.request(by, subject, files).await.unwrap().export_id
    }

    /// An invocation that has this time besides that for handing over.
    pub(crate) async fn work(&self, export_id: ExportId, time: Duration) -> bool {
        let deadline = Timestamp::now().plus(HANDOVER_RESERVE + time);
        self.job.work(ExportBody { export_id, round: 0 }, deadline).await.unwrap().is_some()
    }

    /// Ends the claim of a worker that has crashed.
    pub(crate) async fn end_claim(&self, export: ExportId) {
        let update = self.dynamodb.update_item().table_name(EXPORTS);
        let update = update.key("entry", AttributeValue::S(format!("export#{export}")));
        let update =
            update.update_expression("SET claimed_until = :ended").condition_expression("attribute_exists(entry)");
        update.expression_attribute_values(":ended", AttributeValue::N("1".to_owned())).send().await.unwrap();
    }

    pub(crate) async fn state(&self, by: UserId, export: ExportId) -> Export {
        self.requests.get(by, export).await.unwrap()
    }

    /// Downloads a finished export.
    pub(crate) async fn archive(&self, by: UserId, export: ExportId) -> Archive {
        let export = self.state(by, export).await;
        Archive::download(&export.url.unwrap_or_else(|| panic!("{:?}", export.state))).await
    }
}
