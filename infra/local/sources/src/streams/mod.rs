//! The event source mapping from a table's stream to a function, with Lambda's rules for batches, order and failures:
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.
//!
//! A table has one shard. `ParallelizationFactor` divides it into lanes by the hash of the partition key, so the changes of an
//! item stay in order; each lane has its own position in the stream, and a batch that fails delays its lane only.
//!
//! AWS's documentation leaves two choices open: here the retries of a batch are counted anew once its first record is another
//! one, and a record expires 24 hours after its write for every reader, also while the local cloud does not run.

mod batch;
mod discarded;
mod lane;
mod mapping;
mod position;
mod response;

use std::io;
use std::sync::Arc;

use local_dynamodb::stream::Stream;
use local_template::model::StartingPosition;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use lane::Lane;
pub use mapping::{Mapping, POLL_INTERVAL};
use position::Positions;

/// Reads the stream and invokes the function, until the token fires and the invocations that were running have ended.
///
/// # Errors
/// The position cannot be read or written, or the stream not be read, at the start. Later problems are logged and the work
/// is tried again.
pub async fn run(mapping: Mapping, shutdown: CancellationToken) -> io::Result<()> {
    let stream = Stream::new(&mapping.tables, &mapping.table, &mapping.event.stream_arn);
    let file = mapping.positions.as_ref().map(|folder| folder.join(format!("{}.json", mapping.event.logical_id)));
    let count = mapping.event.parallelization_factor.max(1);
    let first = async || match mapping.event.starting_position {
        StartingPosition::TrimHorizon => Ok(None),
        StartingPosition::Latest => stream.last().await.map_err(io::Error::other),
    };
    let lanes = usize::try_from(count).unwrap_or(1);
    let positions = Arc::new(Positions::open(file, lanes, first).await?);
    let mapping = Arc::new(mapping);
    let mut running = JoinSet::new();
    for number in 0..lanes {
        let (mapping, positions) = (Arc::clone(&mapping), Arc::clone(&positions));
        let lane = Lane { number, count, mapping, stream: stream.clone(), positions, shutdown: shutdown.clone() };
        running.spawn(lane.run());
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    Ok(())
}
