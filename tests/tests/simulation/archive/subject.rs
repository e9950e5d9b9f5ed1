//! The code that archives and reads across the border: that of `chat`, or a mutant of it.

use std::rc::Rc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use domain::period::SeqRange;
use domain::{ConversationId, SegmentSize};
use futures_util::future::BoxFuture;
use store::StoreError;
use store::chunk_objects::ChunkObjects;
use store::dynamodb::LogItem;
use store::dynamodb::messages::{LogPart, Order};

/// Age of items that move: longer than any request is under way. A later one would find the seq of a row free again that has moved.
pub(crate) const AFTER: Duration = Duration::from_secs(15);

/// Time that one call gets.
pub(crate) const WORK_TIME: Duration = Duration::from_secs(20);

/// The answer of one call that archives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The segment is archived, but for so many rows.
    Archived(usize),
    /// It stays for now.
    Stays,
    /// The request may be repeated later.
    Busy,
    /// What never may happen.
    Failed(String),
}

/// The code under test, or a mutant of it.
pub(crate) trait Subject {
    fn settle(&self, conversation: ConversationId, segment: SeqRange, fold: bool) -> BoxFuture<'_, Outcome>;

    fn read(
        &self,
        conversation: ConversationId,
        range: SeqRange,
        order: Order,
        limit: usize,
    ) -> BoxFuture<'_, Result<LogPart, StoreError>>;

    fn find(
        &self,
        conversation: ConversationId,
        seq: domain::Seq,
    ) -> BoxFuture<'_, Result<Option<LogItem>, StoreError>>;
}

pub(crate) type MakeSubject = fn(&Client, ChunkObjects, SegmentSize) -> Rc<dyn Subject>;

/// Makes a [`MakeSubject`] out of a module that is laid out as `chat::archive`.
macro_rules! subject {
    ($($archive:ident)::+) => {{
        use $($archive)::+::{Archive, ArchiveError, Archiver, Items, Settled};
        use $crate::archive::subject::{Outcome, Subject};

        struct Code {
            archiver: Archiver,
            items: Items,
        }

        impl Subject for Code {
            fn settle(
                &self,
                conversation: ::domain::ConversationId,
                segment: ::domain::period::SeqRange,
                fold: bool,
            ) -> ::futures_util::future::BoxFuture<'_, Outcome> {
                Box::pin(async move {
                    let until = ::domain::Timestamp::now().plus($crate::archive::subject::WORK_TIME);
                    match self.archiver.settle(conversation, segment, fold, until).await {
                        Ok(Settled::Archived { rows } | Settled::Full { rows }) => Outcome::Archived(rows),
                        Ok(_) => Outcome::Stays,
                        Err(ArchiveError::OutOfTime | ArchiveError::Store(::store::StoreError::Busy { .. })) => {
                            Outcome::Busy
                        }
                        Err(error) => Outcome::Failed(format!("{error:?}")),
                    }
                })
            }

            fn read(
                &self,
                conversation: ::domain::ConversationId,
                range: ::domain::period::SeqRange,
                order: ::store::dynamodb::messages::Order,
                limit: usize,
            ) -> ::futures_util::future::BoxFuture<
                '_,
                Result<::store::dynamodb::messages::LogPart, ::store::StoreError>,
            > {
                Box::pin(self.items.read_bounded(conversation, range, order, limit, 2, true))
            }

            fn find(
                &self,
                conversation: ::domain::ConversationId,
                seq: ::domain::Seq,
            ) -> ::futures_util::future::BoxFuture<
                '_,
                Result<Option<::store::dynamodb::LogItem>, ::store::StoreError>,
            > {
                Box::pin(self.items.get(conversation, seq))
            }
        }

        |client, objects, size| -> ::std::rc::Rc<dyn Subject> {
            let table = ::end_to_end::aws::MESSAGES.to_owned();
            let messages = ::store::dynamodb::Messages::new(client.clone(), table.clone());
            let archive = Archive::new(::store::dynamodb::Chunks::new(client.clone(), table), objects, size);
            let after = $crate::archive::subject::AFTER;
            let archiver = Archiver { archive: archive.clone(), messages: messages.clone(), after, deletion_rate: 200 };
            ::std::rc::Rc::new(Code { archiver, items: Items { messages, archive: Some(archive) } })
        }
    }};
}

/// Returns the production code.
pub(crate) fn production() -> MakeSubject {
    subject!(chat::archive)
}

pub(crate) mod mutants {
    use super::MakeSubject;

    /// Code with one thing broken.
    pub(crate) struct Mutant {
        pub(crate) name: &'static str,
        pub(crate) make: MakeSubject,
    }

    macro_rules! archive_mutant {
        ($name:ident) => {
            Mutant { name: stringify!($name), make: subject!(crate::archive::subject::mutants::$name) }
        };
    }

    pub(crate) const fn all() -> &'static [Mutant] {
        &MUTANTS
    }

    include!(concat!(env!("OUT_DIR"), "/archive_mutants.rs"));
}
