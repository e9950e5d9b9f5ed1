//! The least that an invocation can take: the function's process, and a Runtime API that is nothing but its bytes.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::Failure;
use super::process::Usage;

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/// A function's process that waits for its next event.
pub(crate) struct Bare {
    process: Child,
    connection: BufReader<TcpStream>,
}

impl Bare {
    pub(crate) async fn start(function: &Path) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let process = Command::new(function)
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let mut bare = Self { process, connection: BufReader::new(stream) };
        bare.request().await?;
        Ok(bare)
    }

    /// From the event to the reply.
    pub(crate) async fn invoke(&mut self, event: &str) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let head = format!(
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nContent-Length: {}\r\n\r\n{event}",
            event.len()
        );
        self.connection.get_mut().write_all(head.as_bytes()).await?;
        self.request().await?;
        let took = begun.elapsed();
        self.connection.get_mut().write_all(ACCEPTED.as_bytes()).await?;
        self.request().await?;
        Ok(took)
    }

    /// Processor time of the function.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        Ok(Usage::of(self.process.id().ok_or("the function has ended")?)?.cpu)
    }

    /// Reads one request to its end.
    async fn request(&mut self) -> Result<(), Failure> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.connection.read_line(&mut line).await? == 0 {
                return Err("the function has hung up".into());
            }
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse()?,
                None if line == "\r\n" => break,
                _ => {}
            }
        }
        self.connection.read_exact(&mut vec![0; length]).await?;
        Ok(())
    }
}
