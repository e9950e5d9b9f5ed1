//! The local cloud, as its own process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;

use crate::denials::Denials;

/// The functions are built by then, unless the test runs on its own: a cold build on a small machine is counted in.
const START_TIMEOUT: Duration = Duration::from_mins(15);

/// The variable that makes every cloud run so many invocations at once in a process: any suite can run in both modes.
pub const CONCURRENCY: &str = "TEST_CONCURRENCY";

/// The variable with the cargo profile of the cloud and its functions, where a test says nothing else.
pub const PROFILE: &str = "TEST_PROFILE";

/// Flood limit of messages, and of events, within an hour: more than any test writes.
pub const FLOOD_LIMIT: u32 = 100_000;

/// The parts of `endpoints.json` that tests use.
#[derive(Debug, Deserialize)]
pub struct Endpoints {
    /// Base of the HTTP API.
    pub http: String,
    /// The WebSocket API with its stage; empty where there is none.
    #[serde(default)]
    pub websocket: String,
    pub oidc_token: String,
    /// The token endpoint for programs.
    #[serde(default)]
    pub oauth_token: String,
    /// Clients of the user pools whose secrets programs know.
    #[serde(default)]
    pub programs: Vec<Program>,
    /// The meter, faults and kill switches.
    pub control: String,
    pub aws: Aws,
}

/// A client of a user pool with the flow `client_credentials`.
#[derive(Clone, Debug, Deserialize)]
pub struct Program {
    pub client_id: String,
    pub client_secret: String,
}

/// Endpoints by service; empty where a template has no use for one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Aws {
    pub dynamodb: String,
    /// URL of the Invoke API.
    pub lambda: String,
    pub s3: String,
    pub sqs: String,
    pub scheduler: String,
    /// The RDS Data API.
    pub rds_data: String,
    pub secretsmanager: String,
    /// The collection of OpenSearch Serverless.
    pub opensearch: String,
    /// `@connections` of the WebSocket API.
    pub apigatewaymanagementapi: String,
}

/// Options of a cloud.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup<'a> {
    /// The template below the top of the checkout, where it is not Palaver's own.
    pub template: Option<&'a str>,
    /// The folder that keeps its data; without one it keeps nothing.
    pub data: Option<&'a Path>,
    /// The cargo profile of the local cloud and of the functions, where it is not `dev`.
    pub profile: Option<&'a str>,
    /// Invocations that a process runs at once, where it is not one, or as many as [`CONCURRENCY`] says.
    pub concurrency: Option<u32>,
    /// Further arguments of the command.
    pub arguments: &'a [&'a str],
    /// True for a test in which functions lack permissions. Elsewhere, a denial ends the test process with an error.
    pub with_denials: bool,
}

/// A running local cloud. It stops when this is dropped, and also when the test process ends in any other way: it reads
/// the end of its standard input.
#[derive(Debug)]
pub struct Cloud {
    pub endpoints: Arc<Endpoints>,
    child: Child,
    stdin: Option<ChildStdin>,
    log: PathBuf,
    folder: TempDir,
    /// `None` where denials are expected.
    denials: Option<Denials>,
}

impl Cloud {
    /// The one cloud of this test binary, started when it is first asked for. It keeps nothing.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cloud> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(None))
    }

    /// Starts a cloud that keeps its data in a folder, or keeps nothing.
    ///
    /// # Panics
    ///
    /// If it does not become ready; prints its output.
    pub fn start(data: Option<&Path>) -> Self {
        Self::start_with(data, &[])
    }

    /// The same, with values for parameters of the template: `Name=Value`.
    ///
    /// # Panics
    ///
    /// If it does not become ready; prints its output.
    pub fn start_with(data: Option<&Path>, parameters: &[&str]) -> Self {
        Self::start_all(data, parameters, None)
    }

    /// The same, with processes that run so many invocations at once.
    ///
    /// # Panics
    ///
    /// If it does not become ready; prints its output.
    pub fn start_all(data: Option<&Path>, parameters: &[&str], concurrency: Option<u32>) -> Self {
        let flood_limit = format!("FloodLimit={FLOOD_LIMIT}");
        let event_limit = format!("EventLimit={FLOOD_LIMIT}");
        // Files large enough to come in parts are small enough for a test, and files that were released go soon.
        let all = [flood_limit.as_str(), &event_limit, "FloodWindow=3600", "MultipartAbove=8388608", "FileGrace=2"];
        let arguments: Vec<&str> =
            all.iter().chain(parameters).flat_map(|parameter| ["--parameter", *parameter]).collect();
        Self::with(Setup { data, arguments: &arguments, concurrency, ..Setup::default() })
    }

    /// Starts a cloud.
    ///
    /// # Panics
    ///
    /// If it does not become ready; prints its output.
    pub fn with(Setup { template, data, profile, arguments, concurrency, with_denials }: Setup<'_>) -> Self {
        let default_profile = std::env::var(PROFILE).ok();
        let profile = profile.or(default_profile.as_deref());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, log) = (folder.path().join("endpoints.json"), folder.path().join("log"));
        let out = File::create(&log).expect("a log file");
        let mut command = outside_cargo(&built("local-cloud", profile));
        let template = root().join(template.unwrap_or("template.yaml"));
        command.arg("--template").arg(template).arg("--endpoints").arg(&file);
        command.args([
            "--http-port",
            "0",
            "--websocket-port",
            "0",
            "--oidc-port",
            "0",
            "--stop-on-stdin-eof",
            "--no-web",
        ]);
        command.args(profile.into_iter().flat_map(|profile| ["--profile", profile])).args(arguments);
        if let Some(invocations) =
            concurrency.map(|count| count.to_string()).or_else(|| std::env::var(CONCURRENCY).ok())
        {
            command.args(["--concurrency", &invocations]);
        }
        command.arg("--permissions").arg(permissions());
        let watch = (!with_denials).then(|| Denials::watch(&denials()));
        if let Some(denials) = &watch {
            command.arg("--denials").arg(denials.file());
        }
        match data {
            Some(data) => command.arg("--data-dir").arg(data),
            None => command.arg("--ephemeral"),
        };
        let err = out.try_clone().expect("a second handle of the log file");
        let mut child = command
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("the local cloud starts");
        let stdin = child.stdin.take();
        let deadline = Instant::now() + START_TIMEOUT;
        while !file.exists() {
            let ended = child.try_wait().expect("the local cloud can be asked");
            assert!(ended.is_none(), "the local cloud ended: {}", read(&log));
            assert!(Instant::now() < deadline, "the local cloud is not ready: {}", read(&log));
            std::thread::sleep(Duration::from_millis(20));
        }
        let endpoints = std::fs::read(&file).expect("endpoints.json");
        let endpoints =
            serde_json::from_slice(&endpoints).map(Arc::new).expect("endpoints.json has the documented shape");
        Self { endpoints, child, stdin, log, folder, denials: watch }
    }

    /// The file with its URLs.
    pub fn endpoints_file(&self) -> PathBuf {
        self.folder.path().join("endpoints.json")
    }

    /// The id of its process, whose children are all others.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns its output so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Stops it and waits until all of it has ended.
    ///
    /// # Panics
    ///
    /// If it does not end properly.
    pub fn stop(mut self) {
        drop(self.stdin.take());
        let status = self.child.wait().expect("the local cloud can be waited for");
        assert!(status.success(), "the local cloud ended with {status}: {}", self.log());
        if let Some(denials) = &self.denials {
            denials.check();
        }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Waiting keeps the next cloud from meeting this one's data; a failure to wait leaves nothing to do.
        let _ = self.child.wait();
    }
}

/// The top of the checkout.
///
/// # Panics
///
/// Never where the tests lie in it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// Builds a program of the workspace, and returns its path.
///
/// # Panics
///
/// If it does not build.
pub fn executable(name: &str) -> PathBuf {
    built(name, None)
}

/// A binary, built with the features of the whole workspace so that nothing is compiled twice.
fn built(name: &str, profile: Option<&str>) -> PathBuf {
    let output = outside_cargo(Path::new(env!("CARGO")))
        .args(["build", "--workspace", "--bin", name, "--message-format", "json-render-diagnostics"])
        .args(profile.into_iter().flat_map(|profile| ["--profile", profile]))
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{name} does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable")
}

/// Returns the file with the permissions that functions have needed in any test, see the test `wiring`.
pub fn permissions() -> PathBuf {
    profile_folder().with_file_name("tests").join("permissions.jsonl")
}

/// Returns the folder with the permissions that functions lacked in any test: a file for each cloud that denied one.
pub fn denials() -> PathBuf {
    profile_folder().with_file_name("tests").join("denials")
}

/// Returns a function's executable, which a cloud has built: a link to the one program of all functions.
pub fn function(binary: &str) -> PathBuf {
    profile_folder().join("functions").join(binary)
}

/// The folder in which cargo puts the executables of this test's profile: `target/<profile>`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test");
    // target/<profile>/deps/<test>-<hash>
    test.ancestors().nth(2).expect("a test is two folders deep").to_owned()
}

/// Creates a command without the variables that cargo sets for a test of its package: build scripts that read such variables
/// (ring's) would run again, and with them half of the build, whenever a cargo within a test and one outside alternate.
fn outside_cargo(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let is_set_by_cargo =
            |name: &str| name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(is_set_by_cargo) {
            command.env_remove(name);
        }
    }
    command
}

fn read(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}
