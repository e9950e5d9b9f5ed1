//! Builds the dependencies of a function from the environment variables that the template sets.
//!
//! Each method reads only the variables of its own dependency, so a function's variables and IAM policies are minimal. Clients
//! of AWS services are built on first use and shared. The test `wiring` compares the template with this.

mod erasure;

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use chat::accounts::Deletion;
use chat::archive::{Archive, ArchiveTasks, Archiver, Items};
use chat::exports::{ExportJob, ExportRequests, Sources};
use chat::files::{FileReferences, FileTasks, Files, Inspections, UploadLimits, Uploads};
use chat::inbox::Inbox;
use chat::log::{Log, LogCache};
use chat::membership::{Membership, Relay};
use chat::notify::{Notifier, PublicSubscriptions, Recipients, TypingNotifier, UserNotifier};
use chat::receipts::{Receipts, StatusReader};
use chat::reconcile::Reconciliation;
use chat::retention::{Retention, Visits};
use chat::search::{Reindex, Search};
use chat::sending::Sender;
use domain::SegmentSize;
use domain::flood::FloodLimit;
use store::Schedules;
use store::chunk_objects::ChunkObjects;
use store::connections_api::ConnectionsApi;
use store::dynamodb::{
    Audit, Chunks, Connections, ExpiredItems, Exports, FileItems, Members, Messages, Subscriptions, Watermarks,
};
use store::export_objects::ExportObjects;
use store::opensearch::MessageIndex;
use store::s3::Objects;
use store::shared_cache::{ANSWER_TIMEOUT, Redis, SharedCache};
use store::sql::reconcile::Rows;
use store::sql::reindex::ReindexProgress;
use store::sql::retention::RetentionRows;
use store::sql::{Conversations, DataApiPool, FileMetadata, Outbox, Patience, Users};
use store::sqs::Queue;

use crate::config::{ConfigError, aws, days, given, http_connector, max_concurrency, number, required, seconds};
use crate::telemetry;
use crate::trace::SendTrace;

mod imports;
mod mentions;

/// Builder of a function's dependencies, one per process.
#[derive(Debug)]
pub struct Wiring {
    aws: SdkConfig,
    dynamodb: OnceCell<aws_sdk_dynamodb::Client>,
    sqs: OnceCell<aws_sdk_sqs::Client>,
    pool: OnceCell<DataApiPool>,
    shared_cache: OnceCell<Option<SharedCache>>,
    connections_api: OnceCell<ConnectionsApi>,
    archive: OnceCell<Archive>,
}

type Wired<T> = Result<T, ConfigError>;

impl Wiring {
    /// Starts logging and reads region, credentials and endpoints from the environment. Call once, first in `main`.
    pub async fn start() -> Self {
        telemetry::init();
        Self {
            aws: aws().await,
            dynamodb: OnceCell::new(),
            sqs: OnceCell::new(),
            pool: OnceCell::new(),
            shared_cache: OnceCell::new(),
            connections_api: OnceCell::new(),
            archive: OnceCell::new(),
        }
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.aws)).clone()
    }

    /// Returns the queue with the URL in the variable.
    pub fn queue(&self, url: &'static str) -> Wired<Queue> {
        let client = self.sqs.get_or_init(|| {
            let config = aws_sdk_sqs::config::Builder::from(&self.aws).interceptor(SendTrace);
            aws_sdk_sqs::Client::from_conf(config.build())
        });
        let client = client.clone();
        Ok(Queue::new(client, required(url)?))
    }

    /// Returns the pool of the cluster. Makes no request.
    pub fn pool(&self) -> Wired<DataApiPool> {
        once(&self.pool, || {
            let (cluster, secret, database) =
                (required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
            let (aws, patience) = ((&self.aws).into(), Patience::USERS);
            Ok(store::sql::connect(aws, cluster, secret, database, patience, max_concurrency()))
        })
    }

    /// Returns the cache that the processes of the stack share, at `CACHE_URL`; `None` if that is empty. Connects on first use.
    pub fn shared_cache(&self) -> Wired<Option<SharedCache>> {
        let connect = |url: String| {
            let redis =
                Redis::new(&url, ANSWER_TIMEOUT).map_err(|error| ConfigError::InvalidCacheUrl("CACHE_URL", error))?;
            Ok(SharedCache::new(Arc::new(redis), &required("CACHE_NAMESPACE")?))
        };
        once(&self.shared_cache, || given("CACHE_URL")?.map(connect).transpose())
    }

    pub fn messages(&self) -> Wired<Messages> {
        Ok(Messages::new(self.dynamodb(), required("MESSAGES_TABLE")?))
    }

    /// Returns the archive of old items. Makes no request before one is read.
    pub fn archive(&self) -> Wired<Archive> {
        once(&self.archive, || {
            let chunks = Chunks::new(self.dynamodb(), required("MESSAGES_TABLE")?);
            let objects = ChunkObjects::new(&self.aws, http_connector(), &required("ARCHIVE_URL")?)?;
            Ok(Archive::new(chunks, objects, SegmentSize::STORED))
        })
    }

    fn items(&self) -> Wired<Items> {
        Ok(Items { messages: self.messages()?, archive: Some(self.archive()?) })
    }

    pub fn members(&self) -> Wired<Members> {
        Ok(Members::new(self.dynamodb(), required("MEMBERS_TABLE")?))
    }

    pub fn connections(&self) -> Wired<Connections> {
        Ok(Connections::new(self.dynamodb(), required("CONNECTIONS_TABLE")?))
    }

    /// Returns the audit of backends, which keeps entries for `AUDIT_DAYS`.
    pub fn audit(&self) -> Wired<Audit> {
        let kept = Duration::from_hours(24).saturating_mul(number("AUDIT_DAYS")?);
        Ok(Audit::new(self.dynamodb(), required("AUDIT_TABLE")?, kept))
    }

    fn file_items(&self) -> Wired<FileItems> {
        Ok(FileItems::new(self.dynamodb(), required("FILES_TABLE")?))
    }

    pub fn users(&self) -> Wired<Users> {
        Ok(Users::new(self.pool()?))
    }

    /// Returns the door to API Gateway's `@connections`.
    pub fn connections_api(&self) -> Wired<ConnectionsApi> {
        let connect = || Ok(ConnectionsApi::new(&self.aws, http_connector(), required("CONNECTIONS_ENDPOINT")?)?);
        once(&self.connections_api, connect)
    }

    fn subscriptions(&self) -> Wired<Subscriptions> {
        Ok(Subscriptions::new(self.dynamodb(), required("SUBSCRIPTIONS_TABLE")?))
    }

    fn watermarks(&self) -> Wired<Watermarks> {
        Ok(Watermarks::new(self.dynamodb(), required("DELIVERY_STATUS_TABLE")?, required("READ_STATUS_TABLE")?))
    }

    /// Returns the bucket of files and avatars.
    pub fn objects(&self) -> Wired<Objects> {
        Ok(Objects::new(self.s3(), required("FILES_BUCKET")?))
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.aws).interceptor(SendTrace);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    fn export_objects(&self) -> Wired<ExportObjects> {
        Ok(ExportObjects::new(self.s3(), required("EXPORTS_BUCKET")?))
    }

    fn exports(&self) -> Wired<Exports> {
        Ok(Exports::new(self.dynamodb(), required("EXPORTS_TABLE")?))
    }

    /// Returns the requests for exports, up to `EXPORTS_PER_DAY` of a user.
    pub fn export_requests(&self) -> Wired<ExportRequests> {
        Ok(ExportRequests {
            exports: self.exports()?,
            objects: self.export_objects()?,
            members: self.members()?,
            queue: self.queue("EXPORT_QUEUE_URL")?,
            per_day: number("EXPORTS_PER_DAY")?,
        })
    }

    pub fn export_job(&self) -> Wired<ExportJob> {
        let sources = Sources {
            inbox: self.inbox()?,
            status_reader: self.status_reader()?,
            members: self.members()?,
            users: self.users()?,
            metadata: FileMetadata::new(self.pool()?),
            file_items: self.file_items()?,
            objects: self.objects()?,
        };
        Ok(ExportJob {
            exports: self.exports()?,
            export_objects: self.export_objects()?,
            sources,
            connections: self.connections()?,
            queue: self.queue("EXPORT_QUEUE_URL")?,
            schedules: self.schedules("EXPORT_QUEUE_ARN")?,
        })
    }

    /// Returns the log without a flood limit, for functions that only read it.
    pub fn log(&self) -> Wired<Log> {
        Ok(Log { archive: Some(self.archive()?), ..self.newest_log()? })
    }

    /// Returns the log without its archive, for functions that read its newest items alone.
    pub fn newest_log(&self) -> Wired<Log> {
        let (messages, members) = (self.messages()?, self.members()?);
        Ok(Log { messages, members, archive: None, flood_limit: None, cache: LogCache::default() })
    }

    /// Returns the log with the flood limit: `FLOOD_LIMIT` messages and `EVENT_LIMIT` events per user and conversation in
    /// `FLOOD_WINDOW` seconds; 0 is no limit.
    pub fn limited_log(&self) -> Wired<Log> {
        Ok(Log { flood_limit: flood_limit()?, ..self.log()? })
    }

    /// Returns the sender of messages, with the flood limit and the shared cache.
    pub fn sender(&self) -> Wired<Sender> {
        let log = Log { cache: LogCache::sharing(self.shared_cache()?), ..self.limited_log()? };
        Ok(Sender::new(log, self.file_items()?, self.notifier_of(self.shared_recipients()?)?))
    }

    pub fn inbox(&self) -> Wired<Inbox> {
        Ok(Inbox { log: self.log()?, watermarks: self.watermarks()? })
    }

    pub fn receipts(&self) -> Wired<Receipts> {
        Ok(Receipts { log: self.log()?, watermarks: self.watermarks()? })
    }

    pub fn status_reader(&self) -> Wired<StatusReader> {
        Ok(StatusReader { items: self.items()?, members: self.members()?, watermarks: self.watermarks()? })
    }

    /// Returns the door to changes of conversations, with the flood limit of events.
    pub fn limited_membership(&self) -> Wired<Membership> {
        Ok(Membership::new(self.conversations()?.limited(flood_limit()?), self.relay()?))
    }

    fn conversations(&self) -> Wired<Conversations> {
        Ok(Conversations::new(self.pool()?, self.queue("RELAY_QUEUE_URL")?))
    }

    fn relay(&self) -> Wired<Relay> {
        Ok(Relay { messages: self.messages()?, members: self.members()?, outbox: Outbox::new(self.pool()?) })
    }

    pub fn deletion(&self) -> Wired<Deletion> {
        // No user chooses these changes, so they have no flood limit.
        let membership = Membership::new(self.conversations()?.without_messages(), self.relay()?);
        let (users, connections) = (self.users()?, self.connections()?);
        Ok(Deletion { users, membership, connections, relay: self.queue("RELAY_QUEUE_URL")? })
    }

    fn recipients(&self) -> Wired<Recipients> {
        Ok(Recipients::new(self.members()?, self.connections()?, self.subscriptions()?))
    }

    /// Returns recipients whose connections the processes of the stack share.
    fn shared_recipients(&self) -> Wired<Recipients> {
        Ok(self.recipients()?.sharing(self.shared_cache()?))
    }

    pub fn notifier(&self) -> Wired<Notifier> {
        self.notifier_of(self.recipients()?)
    }

    fn notifier_of(&self, recipients: Recipients) -> Wired<Notifier> {
        Ok(Notifier::new(recipients, self.connections_api()?, self.queue("FANOUT_QUEUE_URL")?))
    }

    pub fn typing_notifier(&self) -> Wired<TypingNotifier> {
        Ok(TypingNotifier::new(self.shared_recipients()?, self.connections_api()?))
    }

    pub fn user_notifier(&self) -> Wired<UserNotifier> {
        Ok(UserNotifier::new(self.connections()?, self.connections_api()?))
    }

    pub fn public_subscriptions(&self) -> Wired<PublicSubscriptions> {
        Ok(PublicSubscriptions::new(self.members()?, self.subscriptions()?))
    }

    /// Returns the schedules that send to the queue with the ARN in the variable.
    fn schedules(&self, queue_arn: &'static str) -> Wired<Schedules> {
        let client = aws_sdk_scheduler::Client::new(&self.aws);
        let (group, role) = (required("SCHEDULE_GROUP")?, required("SCHEDULE_ROLE_ARN")?);
        Ok(Schedules::new(client, group, role, required(queue_arn)?))
    }

    /// Returns the queue of the archive; `None` if nothing moves there.
    pub fn archive_queue(&self) -> Wired<Option<Queue>> {
        given("ARCHIVE_QUEUE_URL")?.map(|_| self.queue("ARCHIVE_QUEUE_URL")).transpose()
    }

    /// Returns the work of the archive: items move that are `ARCHIVE_AFTER` days old.
    pub fn archive_tasks(&self) -> Wired<ArchiveTasks> {
        let after = days("ARCHIVE_AFTER")?;
        Ok(ArchiveTasks {
            archiver: self.archiver(after)?,
            members: self.members()?,
            rows: Rows::new(self.pool()?),
            queue: self.queue("ARCHIVE_QUEUE_URL")?,
            schedules: self.schedules("ARCHIVE_QUEUE_ARN")?,
        })
    }

    /// Returns what writes to the archive, at the pace of `DELETION_RATE`.
    fn archiver(&self, after: Duration) -> Wired<Archiver> {
        let (archive, messages, deletion_rate) = (self.archive()?, self.messages()?, number("DELETION_RATE")?);
        Ok(Archiver { archive, messages, after, deletion_rate })
    }

    /// Returns the way to ask for visits of the retention.
    fn visits(&self) -> Wired<Visits> {
        let (queue, schedules) = (self.queue("RETENTION_QUEUE_URL")?, self.schedules("RETENTION_QUEUE_ARN")?);
        Ok(Visits { queue, schedules, kept: self.kept()? })
    }

    /// The same; `None` if all messages are kept.
    pub fn visits_if_any(&self) -> Wired<Option<Visits>> {
        given("RETENTION_QUEUE_URL")?.map(|_| self.visits()).transpose()
    }

    /// Returns the queue of the retention; `None` if all messages are kept.
    pub fn retention_queue(&self) -> Wired<Option<Queue>> {
        given("RETENTION_QUEUE_URL")?.map(|_| self.queue("RETENTION_QUEUE_URL")).transpose()
    }

    pub fn retention_rows(&self) -> Wired<RetentionRows> {
        Ok(RetentionRows::new(self.pool()?))
    }

    /// Returns the time for which the stack keeps messages, `RETENTION_DAYS`; zero for ever.
    pub fn kept(&self) -> Wired<Duration> {
        days("RETENTION_DAYS")
    }

    /// Returns the retention of messages, which are deleted `RETENTION_GRACE` seconds after nobody sees them any more.
    pub fn retention(&self) -> Wired<Retention> {
        let pool = self.pool()?;
        Ok(Retention {
            settings: self.retention_rows()?,
            rows: Rows::new(pool),
            members: self.members()?,
            items: self.items()?,
            archiver: self.archiver(Duration::ZERO)?,
            expired: ExpiredItems::new(self.dynamodb(), required("MESSAGES_TABLE")?),
            references: self.file_references()?,
            search: self.search_reindex_queue()?,
            visits: self.visits()?,
            grace: seconds("RETENTION_GRACE")?,
        })
    }

    /// Returns the queue that makes the index of the search as the log is; `None` without a search.
    fn search_reindex_queue(&self) -> Wired<Option<Queue>> {
        given("SEARCH_REINDEX_QUEUE_URL")?.map(|_| self.queue("SEARCH_REINDEX_QUEUE_URL")).transpose()
    }

    pub fn file_references(&self) -> Wired<FileReferences> {
        let tasks = FileTasks::new(self.queue("FILES_QUEUE_URL")?, self.schedules("FILES_QUEUE_ARN")?);
        Ok(FileReferences::new(self.file_items()?, tasks, seconds("FILE_GRACE")?))
    }

    pub fn files(&self) -> Wired<Files> {
        Ok(Files::new(self.file_references()?, FileMetadata::new(self.pool()?), self.objects()?))
    }

    pub fn uploads(&self) -> Wired<Uploads> {
        let limits = UploadLimits {
            quota: number("FILE_QUOTA")?,
            multipart_above: number("MULTIPART_ABOVE")?,
            upload_lifetime: seconds("UPLOAD_LIFETIME")?,
        };
        Ok(Uploads::new(self.files()?, limits))
    }

    pub fn reconciliation(&self) -> Wired<Reconciliation> {
        let pool = self.pool()?;
        Ok(Reconciliation {
            rows: Rows::new(pool.clone()),
            relay: self.relay()?,
            items: self.items()?,
            connections: self.connections()?,
            files: self.file_items()?,
            metadata: FileMetadata::new(pool),
            relay_queue: self.queue("RELAY_QUEUE_URL")?,
        })
    }

    /// Returns the index of messages.
    pub fn message_index(&self) -> Wired<MessageIndex> {
        self.index_at(&required("SEARCH_ENDPOINT")?)
    }

    fn index_at(&self, endpoint: &str) -> Wired<MessageIndex> {
        Ok(MessageIndex::new(&self.aws, http_connector(), endpoint, &required("SEARCH_SERVICE")?)?)
    }

    /// Returns the search; `None` if the deployment has no index.
    pub fn search(&self) -> Wired<Option<Search>> {
        let Some(endpoint) = given("SEARCH_ENDPOINT")? else { return Ok(None) };
        Ok(Some(Search { index: self.index_at(&endpoint)?, log: self.log()? }))
    }

    pub fn reindex(&self) -> Wired<Reindex> {
        let pool = self.pool()?;
        Ok(Reindex {
            index: self.message_index()?,
            items: self.items()?,
            rows: Rows::new(pool.clone()),
            progress: ReindexProgress::new(pool),
            queue: self.queue("SEARCH_REINDEX_QUEUE_URL")?,
        })
    }

    pub fn inspections(&self) -> Wired<Inspections> {
        Ok(Inspections::new(self.file_items()?, FileMetadata::new(self.pool()?), self.objects()?))
    }
}

/// Returns the dependency of a cell, which is built on first use.
fn once<T: Clone>(cell: &OnceCell<T>, build: impl FnOnce() -> Wired<T>) -> Wired<T> {
    if let Some(dependency) = cell.get() {
        return Ok(dependency.clone());
    }
    let dependency = build()?;
    Ok(cell.get_or_init(|| dependency).clone())
}

fn flood_limit() -> Wired<Option<FloodLimit>> {
    Ok(FloodLimit::new(number("FLOOD_LIMIT")?, number("EVENT_LIMIT")?, seconds("FLOOD_WINDOW")?))
}
