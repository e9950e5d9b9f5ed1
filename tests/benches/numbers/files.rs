//! Latency of announcing a file, and until it is ready.

use std::time::{Duration, Instant};

use domain::hex;
use end_to_end::test_user::client;
use end_to_end::{Cloud, Socket, TestUser};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Failure;
use super::report::Report;
use super::table::Table;
use super::times::{Times, millis};

/// Logical id of the function that inspects uploads.
const FUNCTION: &str = "FileInspect";

/// Parts of a large file that are under way at once.
const AT_ONCE: usize = 4;

/// Time that the report of an invocation may take once its file is ready.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// One after the other, each kind by a process of its own, so that its memory is that of the kind.
pub(crate) async fn run(cloud: &Cloud, quick: bool, report: &mut Report) -> Result<(), Failure> {
    let mut uploader = Uploader::new(cloud).await;
    let mut table = Table::new(&["files", "times", "p50 / p99 / max ms", "file-inspect p50 ms", "at most MB"]);
    let announced = uploader.announce_often(if quick { 10 } else { 50 }).await?;
    table.row(["announced".into(), announced.len().to_string(), announced.p50_p99_max(), String::new(), String::new()]);
    let blob = |size| vec![7; size];
    let few = if quick { 5 } else { 20 };
    let mut measure = async |name: &str, times, file: &Announced| -> Result<(), Failure> {
        let (ready, reports) = uploader.upload_often(file, times).await?;
        let most = reports.iter().map(|report| report.memory_mib).max().unwrap_or_default();
        let reports = Times::new(reports.into_iter().map(|report| report.duration).collect());
        let p50 = millis(reports.at(50.0));
        table.row([name.to_owned(), times.to_string(), ready.p50_p99_max(), p50, most.to_string()]);
        Ok(())
    };
    measure("1 KB ready", few, &Announced::new("application/octet-stream", blob(1_000))).await?;
    measure("1 MB ready", few, &Announced::new("application/octet-stream", blob(1_000_000))).await?;
    if !quick {
        measure("100 MB ready", 5, &Announced::new("application/octet-stream", blob(100_000_000))).await?;
        measure("200 MB in parts ready", 5, &Announced::new("application/octet-stream", blob(200_000_000))).await?;
    }
    let photograph = photograph()?;
    let name = format!("JPEG of 50 megapixels, {} MB, ready", photograph.len() / 1_000_000);
    measure(&name, if quick { 1 } else { 5 }, &Announced::new("image/jpeg", photograph)).await?;
    report.table("files", &table)
}

/// 50 megapixels, with as much noise as a camera in the dusk has, so that it is neither compressed to nothing nor not at all.
fn photograph() -> Result<Vec<u8>, Failure> {
    let mut noise = 1_u32;
    let image = RgbImage::from_fn(8_000, 6_250, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let light = |hue: u32| (hue % 240 + (noise >> 28)) as u8;
        image::Rgb([light(x / 34), light(y / 27), light((x + y) / 60)])
    });
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 90))?;
    Ok(bytes)
}

/// A file to announce and upload.
struct Announced {
    content_type: &'static str,
    bytes: Vec<u8>,
    sha256: String,
}

impl Announced {
    fn new(content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { content_type, sha256: sha256(&bytes), bytes }
    }
}

/// The local cloud's report of an invocation.
struct InvocationReport {
    duration: Duration,
    /// The most that the process has had so far.
    memory_mib: u64,
}

impl InvocationReport {
    /// From `<function> <request id> 12.3 ms, init 28 ms, 23 MB`; `None` of what else is in the log.
    fn read(line: &str) -> Option<Self> {
        let (_, report) = line.strip_prefix(FUNCTION)?.strip_prefix(' ')?.split_once(' ')?;
        let (duration, rest) = report.split_once(" ms, ")?;
        let memory = rest.strip_suffix(" MB")?.rsplit(' ').next()?;
        let took: f64 = duration.parse().ok()?;
        Some(Self { duration: Duration::from_secs_f64(took / 1e3), memory_mib: memory.parse().ok()? })
    }
}

/// Somebody in a conversation, and connected.
struct Uploader<'a> {
    cloud: &'a Cloud,
    user: TestUser,
    conversation: String,
    socket: Socket,
    client: Client,
}

impl<'a> Uploader<'a> {
    async fn new(cloud: &'a Cloud) -> Self {
        let (user, other) = tokio::join!(TestUser::of(cloud, "sender"), TestUser::of(cloud, "recipient"));
        let conversation = user.private_conversation_with(&other).await;
        let socket = user.connect().await;
        Self { cloud, user, conversation, socket, client: client() }
    }

    /// Measures announcements, after a first one that is not counted.
    async fn announce_often(&self, times: usize) -> Result<Times, Failure> {
        let file = Announced::new("application/octet-stream", vec![7; 1_000]);
        self.announce(&file).await?;
        let mut took = Vec::new();
        for _ in 0..times {
            let begun = Instant::now();
            self.announce(&file).await?;
            took.push(begun.elapsed());
        }
        Ok(Times::new(took))
    }

    /// Measures uploads from the first byte, with parts from the request for their signatures, until the file is ready, and the
    /// function's invocation. The first one is not counted: it starts a new process.
    async fn upload_often(
        &mut self,
        file: &Announced,
        times: usize,
    ) -> Result<(Times, Vec<InvocationReport>), Failure> {
        self.cloud.kill(FUNCTION).await;
        let (mut took, mut reports) = (Vec::new(), Vec::new());
        for _ in 0..=times {
            let (ready, report) = self.upload(file).await?;
            took.push(ready);
            reports.push(report);
        }
        Ok((Times::new(took.split_off(1)), reports.split_off(1)))
    }

    async fn upload(&mut self, file: &Announced) -> Result<(Duration, InvocationReport), Failure> {
        let announced = self.announce(file).await?;
        let id = announced["file"]["file_id"].as_str().ok_or("a file without an id")?;
        let (upload, logged) = (&announced["upload"], self.cloud.log().len());
        let part_size = upload["part_size"].as_u64();
        let size = part_size.map_or(file.bytes.len(), |size| size as usize);
        let mut parts: Vec<Vec<u8>> = file.bytes.chunks(size).map(<[u8]>::to_vec).collect();
        let sums = (1..).zip(&parts).map(|(number, part)| json!({"part_number": number, "sha256": sha256(part)}));
        let sums = json!({"parts": sums.collect::<Vec<_>>()});
        let begun = Instant::now();
        match part_size {
            Some(_) => self.put_parts(id, &sums, parts).await?,
            None => self.put(upload, parts.remove(0)).await?,
        }
        self.ready(id, file).await?;
        let took = begun.elapsed();
        // Waits for it: the next file must find the process idle.
        Ok((took, self.report(logged).await?))
    }

    async fn announce(&self, file: &Announced) -> Result<Value, Failure> {
        let (size, sha256) = (file.bytes.len(), &file.sha256);
        let announcement = json!({"name": "a file", "content_type": file.content_type, "size": size, "sha256": sha256});
        let path = format!("/v1/conversations/{}/files", self.conversation);
        accepted(201, self.user.post(&path, &announcement).await)
    }

    async fn put_parts(&self, id: &str, sums: &Value, parts: Vec<Vec<u8>>) -> Result<(), Failure> {
        let signed = accepted(200, self.user.post(&format!("/v1/files/{id}/parts"), sums).await)?;
        let signed = signed["parts"].as_array().ok_or("parts without requests")?;
        let puts = stream::iter(signed.iter().zip(parts)).map(|(signed, part)| self.put(signed, part));
        puts.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        accepted(200, self.user.post(&format!("/v1/files/{id}/complete"), &json!({})).await)?;
        Ok(())
    }

    /// Sends a signed request as it is.
    async fn put(&self, signed: &Value, bytes: Vec<u8>) -> Result<(), Failure> {
        let method: Method = signed["method"].as_str().unwrap_or_default().parse()?;
        let mut request = self.client.request(method, signed["url"].as_str().ok_or("a request without a URL")?);
        for (name, value) in signed["headers"].as_object().into_iter().flatten() {
            // The client's own, which is the same.
            if name != "content-length" {
                request = request.header(name, value.as_str().unwrap_or_default());
            }
        }
        request.body(bytes).send().await?.error_for_status()?;
        Ok(())
    }

    /// Waits until the owner is notified that a file is ready; an image with thumbnails.
    async fn ready(&mut self, id: &str, file: &Announced) -> Result<(), Failure> {
        let frame = self.socket.next("file").await;
        let pushed = &frame["file"];
        let has_thumbnails = pushed["width"].is_u64();
        if pushed["file_id"] != id
            || pushed["status"] != "ready"
            || has_thumbnails != (file.content_type == "image/jpeg")
        {
            return Err(format!("unexpected file frame: {frame}").into());
        }
        Ok(())
    }

    /// Reads the reports behind this position of the log.
    async fn report(&self, logged: usize) -> Result<InvocationReport, Failure> {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while Instant::now() < deadline {
            let log = self.cloud.log();
            if let Some(report) = log.get(logged..).and_then(|log| log.lines().find_map(InvocationReport::read)) {
                return Ok(report);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("no report of an invocation".into())
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The body of what has this status.
fn accepted(expected: u16, (status, body): (u16, Value)) -> Result<Value, Failure> {
    if status == expected { Ok(body) } else { Err(format!("{status}: {body}").into()) }
}
