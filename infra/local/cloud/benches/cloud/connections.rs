//! The number of connections that the WebSocket API holds, with traffic on each of them.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::Failure;
use super::cloud::Cloud;
use super::figures::{Table, Times, each, mebibytes, millis, rate, seconds};
use super::socket::Socket;

/// Handshakes at once: what comes when everybody reconnects.
const OPENING: usize = 1000;
/// Invocations at once, each of which has a process.
const ECHOING: usize = 8;
const PUSHING: usize = 64;
/// Time of the measurement without traffic.
const SILENCE: Duration = Duration::from_secs(5);

struct Client {
    socket: Socket,
    /// Known once it has echoed.
    id: String,
}

pub(crate) async fn measure(cloud: &Cloud, count: usize) -> Result<(), Failure> {
    let url = cloud.url("/websocket")?.to_owned();
    println!("{count} WebSocket connections, {OPENING} handshakes, {ECHOING} echoes and {PUSHING} posts at once\n");
    let mut table = Table::new(&["", "connections", "time", "p50", "p99", "rate", "CPU of the cloud", "CPU each"]);
    let mut report = |name: &str, times: &Times, took: Duration, cpu: Duration| {
        let [p50, p99] = times.p50_and_p99();
        table.row([
            name.to_owned(),
            times.count().to_string(),
            seconds(took),
            p50,
            p99,
            rate(times.count(), took),
            seconds(cpu),
            millis(each(cpu, times.count())),
        ]);
    };

    let empty = cloud.usage()?;
    let begun = Instant::now();
    let opened: Vec<_> = stream::iter(0..count)
        .map(|_| async {
            let begun = Instant::now();
            let socket = Socket::open(&url).await?;
            Ok::<_, Failure>((begun.elapsed(), Client { socket, id: String::new() }))
        })
        .buffer_unordered(OPENING)
        .try_collect()
        .await?;
    let (took, open) = (begun.elapsed(), cloud.usage()?);
    let (times, mut clients): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
    report("open", &Times::new(times), took, open - empty);

    let silence = if count < OPENING { Duration::ZERO } else { SILENCE };
    tokio::time::sleep(silence).await;
    let silent = cloud.usage()?;
    report("be silent", &Times::default(), silence, silent - open);

    let begun = Instant::now();
    let times: Vec<_> = stream::iter(&mut clients)
        .map(|client| async {
            let (took, id) =
                client.socket.echo("a message of the usual length, more or less, of some hundred bytes").await?;
            client.id = id;
            Ok::<_, Failure>(took)
        })
        .buffer_unordered(ECHOING)
        .try_collect()
        .await?;
    let (took, echoed) = (begun.elapsed(), cloud.usage()?);
    report("echo", &Times::new(times), took, echoed - silent);

    let management = cloud.url("/aws/apigatewaymanagementapi")?;
    let begun = Instant::now();
    let times: Vec<_> = stream::iter(&mut clients)
        .map(|client| async {
            let url = format!("{management}/@connections/{}", client.id.replace('=', "%3D"));
            let begun = Instant::now();
            cloud.http.post(&url, &client.id).await?;
            let pushed = client.socket.text().await?;
            if pushed != client.id {
                return Err(Failure::from(format!("{} got {pushed}", client.id)));
            }
            Ok(begun.elapsed())
        })
        .buffer_unordered(PUSHING)
        .try_collect()
        .await?;
    let (took, pushed) = (begun.elapsed(), cloud.usage()?);
    report("push", &Times::new(times), took, pushed - echoed);
    table.print();

    let per = |memory: u64| memory.saturating_sub(empty.memory) / count.max(1) as u64;
    let mut table = Table::new(&["memory of the cloud", "resident", "bytes per connection"]);
    for (when, usage) in [("empty", empty), ("open", open), ("echoed", echoed), ("pushed", pushed)] {
        table.row([when.to_owned(), mebibytes(usage.memory), per(usage.memory).to_string()]);
    }
    table.print();

    let begun = Instant::now();
    drop(clients);
    wait_until_closed(cloud).await?;
    let closed = cloud.usage()?;
    println!("  all closed after {}, {} resident\n", seconds(begun.elapsed()), mebibytes(closed.memory));
    Ok(())
}

/// Returns once the cloud has seen that all clients are gone.
async fn wait_until_closed(cloud: &Cloud) -> Result<(), Failure> {
    while cloud.meter().await?["websocket_apis"]["Socket"]["connections"] != 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
