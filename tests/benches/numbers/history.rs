//! The effect of the history's length.

use aws_sdk_dynamodb::Client;
use domain::{Content, ConversationId};
use end_to_end::long_log::append;
use end_to_end::{Cloud, TestUser, aws};

use super::Failure;
use super::connection::MemberConnection;
use super::load::{Pace, Participants};
use super::measure::{Length, measure};
use super::plot::Plot;
use super::report::Report;
use super::table::Table;

/// Items before the first message.
const LENGTHS: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// Private conversations, one after the other; where it has to be quick, not the longest.
pub(crate) async fn run(cloud: &Cloud, length: Length, quick: bool, report: &mut Report) -> Result<(), Failure> {
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let mut table = Table::new(&[
        "history",
        "delivered p50 / p99 / max ms",
        "reply p50 / p99 ms",
        "CPU s per 1,000",
        "read units",
        "write units",
        "requests",
    ]);
    let mut curves = [("p50", 50.0), ("p99", 99.0)].map(|(name, percent)| (name.to_owned(), percent, Vec::new()));
    for items in LENGTHS.into_iter().filter(|items| !quick || *items <= 1_000) {
        let (one, other) = tokio::join!(TestUser::of(cloud, "sender"), TestUser::of(cloud, "recipient"));
        let conversation = one.private_conversation_with(&other).await;
        let head = grow(&dynamodb, conversation.parse()?, items).await?;
        let sender = MemberConnection::open(cloud, &one.token, &conversation, 0).await?.at(head);
        let recipient = MemberConnection::open(cloud, &other.token, &conversation, 1).await?.at(head);
        let mut participants =
            Participants { senders: vec![sender], recipients: vec![recipient], recipients_per_message: 1 };
        let measured = measure(cloud, &mut participants, Pace::Unanswered(1), length).await?;
        let (read, write) = measured.reading.units();
        let requests = measured.reading.requests().into_values().sum();
        table.row([
            head.to_string(),
            measured.load.deliveries.p50_p99_max(),
            measured.load.replies.p50_p99(),
            format!("{:.2}", measured.cpu_per_1000()),
            format!("{:.2}", measured.each(read)),
            format!("{:.2}", measured.each(write)),
            format!("{:.2}", measured.each(requests)),
        ]);
        for (_, percent, curve) in &mut curves {
            curve.push((head as f64, measured.load.deliveries.at(*percent).as_secs_f64() * 1e3));
        }
    }
    report.table("history", &table)?;
    let lines = curves.map(|(name, _, curve)| (name, curve)).into();
    let title = "Delivery by length of the history";
    report.plot("history", &Plot { title, x: "items in the log", y: "ms", logarithmic: true, lines })
}

/// Writes texts as the log would, but many at once, until so many items are there; the last of them.
async fn grow(dynamodb: &Client, conversation: ConversationId, items: u64) -> Result<u64, Failure> {
    let head = aws::log(dynamodb).messages.head(conversation, true).await?.ok_or("a conversation without items")?;
    let content = Content::new("One of many earlier messages, of the usual length.".to_owned(), None, vec![])
        .map_err(|refusal| refusal.message)?;
    let missing = items.saturating_sub(head.seq.0);
    let before = head.seq.0;
    let written = append(dynamodb, head, std::iter::repeat_n(content, usize::try_from(missing)?)).await?;
    Ok(written.last().map_or(before, |last| last.seq.0))
}
