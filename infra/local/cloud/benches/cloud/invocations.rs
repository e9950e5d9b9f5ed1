//! The overhead that the local cloud adds to an invocation, by its origin.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::Failure;
use super::bare::Bare;
use super::cloud::Cloud;
use super::figures::{Table, Times, each, millis, rate, ratio};
use super::socket::Socket;

const TEXT: &str =
    "a message of the usual length, more or less, of some hundred bytes, as people write them to one another";
/// Invocations of each caller that are not measured: they start the processes.
const WARM_UP: usize = 20;

/// The origin of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Bare,
    InvokeApi,
    HttpApi,
    WebSocket,
}

impl Way {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Bare, "the function alone"),
        (Self::InvokeApi, "Lambda's Invoke API"),
        (Self::HttpApi, "HTTP API"),
        (Self::WebSocket, "WebSocket route and its response"),
    ];
}

/// One caller with a connection of its own.
enum Caller<'a> {
    Bare(Bare),
    Http { cloud: &'a Cloud, url: String, body: String },
    WebSocket(Socket),
}

impl<'a> Caller<'a> {
    async fn new(cloud: &'a Cloud, way: Way) -> Result<Self, Failure> {
        Ok(match way {
            Way::Bare => Self::Bare(Bare::start(&cloud.function()).await?),
            Way::InvokeApi => Self::Http { cloud, url: invoke_url(cloud)?, body: event() },
            Way::HttpApi => Self::Http { cloud, url: format!("{}/echo", cloud.url("/http")?), body: TEXT.to_owned() },
            Way::WebSocket => Self::WebSocket(Socket::open(cloud.url("/websocket")?).await?),
        })
    }

    async fn invoke(&mut self) -> Result<Duration, Failure> {
        match self {
            Self::Bare(function) => function.invoke(&event()).await,
            Self::Http { cloud, url, body } => {
                let begun = Instant::now();
                let echo = cloud.http.post(url, body).await?;
                let took = begun.elapsed();
                if echo.contains(TEXT) { Ok(took) } else { Err(format!("no echo: {echo}").into()) }
            }
            Self::WebSocket(socket) => socket.echo(TEXT).await.map(|(took, _)| took),
        }
    }

    /// Of the function, if it does not belong to the cloud.
    fn bare_cpu(&self) -> Result<Duration, Failure> {
        match self {
            Self::Bare(function) => function.cpu(),
            Self::Http { .. } | Self::WebSocket(_) => Ok(Duration::ZERO),
        }
    }
}

fn invoke_url(cloud: &Cloud) -> Result<String, Failure> {
    Ok(format!("{}/2015-03-31/functions/echo/invocations", cloud.url("/aws/lambda")?))
}

fn event() -> String {
    format!(r#"{{"body":"{TEXT}"}}"#)
}

/// `count` invocations each way by one caller, and by eight at once.
pub(crate) async fn warm(cloud: &Cloud, count: usize) -> Result<(), Failure> {
    for callers in [1, 8] {
        println!("{count} warm invocations, {callers} at once\n");
        let mut table =
            Table::new(&["", "p50", "p99", "p50 to alone", "rate", "CPU of the cloud", "CPU of the function"]);
        let mut alone = Duration::ZERO;
        for (way, name) in Way::ALL {
            let measured = warm_one_way(cloud, way, callers, count).await?;
            let p50 = measured.times.at(50);
            if way == Way::Bare {
                alone = p50;
            }
            table.row([
                name.to_owned(),
                millis(p50),
                millis(measured.times.at(99)),
                ratio(p50, alone),
                rate(measured.times.count(), measured.took),
                millis(each(measured.cloud, count)),
                millis(each(measured.function, count)),
            ]);
        }
        table.print();
    }
    Ok(())
}

struct Measured {
    times: Times,
    took: Duration,
    cloud: Duration,
    /// The same of the function's processes.
    function: Duration,
}

async fn warm_one_way(cloud: &Cloud, way: Way, callers: usize, count: usize) -> Result<Measured, Failure> {
    let mut callers = try_join_all((0..callers).map(|_| Caller::new(cloud, way))).await?;
    run(&mut callers, WARM_UP).await?;
    let function_cpu = async |callers: &[Caller<'_>]| {
        let bare = callers.iter().map(Caller::bare_cpu).sum::<Result<Duration, _>>()?;
        let metered = cloud.meter().await?["functions"]["Echo"]["cpu_ms"].as_f64().unwrap_or_default();
        Ok::<_, Failure>(bare + Duration::from_secs_f64(metered / 1e3))
    };
    let (function_before, before, begun) = (function_cpu(&callers).await?, cloud.usage()?, Instant::now());
    let per_caller = count.div_ceil(callers.len());
    let times = run(&mut callers, per_caller).await?;
    let (took, after) = (begun.elapsed(), cloud.usage()?);
    let function = function_cpu(&callers).await?.saturating_sub(function_before);
    Ok(Measured { times: Times::new(times), took, cloud: after - before, function })
}

/// So many invocations by each caller, one after the other.
async fn run(callers: &mut [Caller<'_>], count: usize) -> Result<Vec<Duration>, Failure> {
    let all = callers.iter_mut().map(async |caller| {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            times.push(caller.invoke().await?);
        }
        Ok::<_, Failure>(times)
    });
    Ok(try_join_all(all).await?.concat())
}

/// From nothing to the first answer.
pub(crate) async fn cold(cloud: &Cloud, count: usize) -> Result<(), Failure> {
    println!("{count} cold starts: the process is spawned, and has answered once\n");
    let mut table = Table::new(&["", "p50", "p99", "p50 to alone", "CPU of the cloud"]);
    let mut alone = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        Bare::start(&cloud.function()).await?.invoke(&event()).await?;
        alone.push(begun.elapsed());
    }
    let alone = Times::new(alone);
    let p50 = alone.at(50);
    let row = ["the function alone".to_owned(), millis(p50), millis(alone.at(99)), ratio(p50, p50), "-".to_owned()];
    table.row(row);

    let url = invoke_url(cloud)?;
    let (mut times, mut cpu) = (Vec::new(), Duration::ZERO);
    for _ in 0..count {
        cloud.kill_functions().await?;
        let (before, begun) = (cloud.usage()?, Instant::now());
        cloud.http.post(&url, &event()).await?;
        times.push(begun.elapsed());
        cpu += cloud.usage()? - before;
    }
    let times = Times::new(times);
    table.row([
        "Lambda's Invoke API".to_owned(),
        millis(times.at(50)),
        millis(times.at(99)),
        ratio(times.at(50), p50),
        millis(each(cpu, count)),
    ]);
    table.print();
    Ok(())
}
