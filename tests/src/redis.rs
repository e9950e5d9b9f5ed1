//! A real Redis for the shared cache, as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use store::shared_cache::{Redis, SharedCache};

/// Longest wait until a server accepts connections.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest wait of a test for an answer, on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a server until the test process ends, however that ends: then the standard input ends.
const UNTIL_STDIN_ENDS: &str = r#"
redis-server "$@" >/dev/null & server=$!
echo $server
exec 3<&0
(cat <&3 >/dev/null; kill -9 $server) 2>/dev/null &
wait $server 2>/dev/null
"#;

/// A server, without data at first. It ends when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    shell: Child,
    pid: String,
    port: u16,
    /// Arguments besides the port.
    arguments: Vec<String>,
}

impl RedisServer {
    /// Starts a server on a free port.
    ///
    /// # Panics
    ///
    /// If there is no `redis-server`.
    pub fn start() -> Self {
        // Another process may take a port before the server does.
        let started = (0..10).find_map(|_| Self::start_at(free_port(), "--port", Vec::new()));
        started.expect("redis-server does not start: is it installed (Debian: apt-get install redis-server)?")
    }

    /// Starts a server that speaks TLS, with these files.
    ///
    /// # Panics
    ///
    /// If there is no `redis-server`.
    pub fn start_with_tls(certificate: &str, key: &str) -> Self {
        let arguments =
            ["--port", "0", "--tls-auth-clients", "no", "--tls-cert-file", certificate, "--tls-key-file", key];
        let arguments = arguments.map(str::to_owned).to_vec();
        let started = (0..10).find_map(|_| Self::start_at(free_port(), "--tls-port", arguments.clone()));
        started.expect("redis-server does not start with TLS")
    }

    fn start_at(port: u16, flag: &str, mut arguments: Vec<String>) -> Option<Self> {
        arguments.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", flag].map(str::to_owned));
        arguments.push(port.to_string());
        let (shell, pid) = launch(&arguments);
        let mut server = Self { shell, pid, port, arguments };
        server.accepts_connections().then_some(server)
    }

    fn accepts_connections(&mut self) -> bool {
        let begun = Instant::now();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while TcpStream::connect(address).is_err() {
            if begun.elapsed() > START_TIMEOUT || !matches!(self.shell.try_wait(), Ok(None)) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Returns the URL for functions.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns the port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the cache of a process, which waits longer than functions do.
    ///
    /// # Panics
    ///
    /// Never: the URL is one.
    pub fn cache(&self) -> SharedCache {
        SharedCache::new(Arc::new(Redis::new(&self.url(), ANSWER_TIMEOUT).expect("a URL")), "test")
    }

    /// Ends the server at once.
    pub fn kill(&mut self) {
        end(&mut self.shell);
    }

    /// Starts the server again, without data and at the same port.
    ///
    /// # Panics
    ///
    /// If another process keeps the port.
    pub fn restart(&mut self) {
        self.kill();
        let begun = Instant::now();
        // A connection of another process may have the port for a moment.
        loop {
            (self.shell, self.pid) = launch(&self.arguments);
            if self.accepts_connections() {
                return;
            }
            assert!(begun.elapsed() < START_TIMEOUT, "the server starts again");
        }
    }

    /// Stops the server in the middle of what it does: it accepts connections and answers nothing.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Removes all entries.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn flush(&self) {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string(), "flushall"]).output();
        assert_eq!(output.expect("redis-cli runs").stdout, b"OK\n");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.pid]).status().expect("kill runs");
        assert!(status.success(), "the server runs");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        end(&mut self.shell);
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    free.local_addr().expect("an address").port()
}

fn launch(arguments: &[String]) -> (Child, String) {
    let mut command = Command::new("sh");
    command.args(["-c", UNTIL_STDIN_ENDS, "sh"]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = command.spawn().expect("a shell");
    let mut pid = String::new();
    BufReader::new(shell.stdout.take().expect("its output")).read_line(&mut pid).expect("the id of the server");
    (shell, pid.trim().to_owned())
}

/// Ends the standard input of the shell, and so the server.
fn end(shell: &mut Child) {
    drop(shell.stdin.take());
    // It ends by itself.
    let _ = shell.wait();
}
