//! Builds the functions' binaries with cargo.
//!
//! `CodeUri` of a function is a folder of a cargo package or workspace. All functions of one workspace are built by one
//! `cargo build`, so that they share its work. `CARGO` names the cargo to use, as cargo itself sets it.
//!
//! A template that has one binary for all functions saves the linking of the others. A release build is without it: it has the
//! binaries that deploy.

mod links;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};

use local_template::model::Function;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::log_sink::LogSink;

/// The cargo profile to build with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Profile {
    #[default]
    Dev,
    Release,
    /// Any other that the functions' workspaces have.
    Named(String),
}

impl Profile {
    fn name(&self) -> &str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::Named(name) => name,
        }
    }
}

/// Destination of cargo's progress and compiler messages.
#[derive(Debug, Clone)]
pub enum Progress {
    /// To the standard error of this process: cargo's progress bar on a terminal, elsewhere a line now and then.
    Shown,
    /// To a log, line by line, but not that it has finished: a build that finds nothing to do is silent.
    Logged {
        sink: LogSink,
        /// True if it shows colours.
        colours: bool,
    },
    Hidden,
}

/// Reasons for which a function has no executable.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// cargo could not be started.
    #[error("cannot run `{}`: {source}; install Rust (https://rustup.rs) or set CARGO", cargo.display())]
    Cargo { cargo: PathBuf, source: io::Error },
    /// `CodeUri` is not inside a cargo package.
    #[error("function `{function}`: CodeUri {} is not in a cargo package or workspace: {message}", folder.display())]
    NoWorkspace { function: String, folder: PathBuf, message: String },
    /// No package of the workspace has this binary.
    #[error("function `{function}`: no package of {} has a binary `{binary}` ({property})", workspace.display())]
    NoBinary {
        function: String,
        binary: String,
        /// The part of the template that names the binary.
        property: &'static str,
        /// Root of the workspace that `CodeUri` belongs to.
        workspace: PathBuf,
    },
    /// The code does not compile; cargo's own messages say where.
    #[error("the functions in {} cannot be built; cargo's output has the reason ({status})", workspace.display())]
    Failed {
        /// Root of the workspace.
        workspace: PathBuf,
        status: ExitStatus,
    },
    /// A function has no name of its own for the binary that all share.
    #[error("cannot make {}: {source}", path.display())]
    Link { path: PathBuf, source: io::Error },
    /// cargo said something that is not understood.
    #[error("cannot read cargo's output: {0}")]
    Output(#[from] serde_json::Error),
}

/// Builds every function, and returns the absolute path of each executable by logical id.
pub async fn build(
    functions: &[Function],
    profile: &Profile,
    progress: &Progress,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let cargo = Cargo::find();
    let mut executables = BTreeMap::new();
    for (workspace, functions) in cargo.workspaces(functions).await? {
        let known = cargo.metadata(&workspace).await?.binaries();
        for function in &functions {
            // A binary of its own is what deploys, so it has to be there although another one runs here.
            let missing = [Program::Own(&function.binary), Program::of(function, profile)]
                .into_iter()
                .find(|program| !known.contains(program.binary()));
            if let Some(program) = missing {
                return Err(program.missing(function, &workspace));
            }
        }
        let programs = functions.iter().map(|function| Program::of(function, profile));
        let binaries: BTreeSet<&str> = programs.map(Program::binary).collect();
        let built = cargo.build(&workspace, &binaries, profile, progress).await?;
        for function in functions {
            let program = Program::of(function, profile);
            let path = built.get(program.binary()).ok_or_else(|| program.missing(function, &workspace))?;
            let executable = match program {
                Program::Own(_) => path.clone(),
                Program::Shared(_) => {
                    links::make(path, &function.binary).map_err(|(path, source)| BuildError::Link { path, source })?
                }
            };
            executables.insert(function.logical_id.clone(), executable);
        }
    }
    Ok(executables)
}

/// The cargo binary that a function runs.
#[derive(Debug, Clone, Copy)]
enum Program<'a> {
    Own(&'a str),
    Shared(&'a str),
}

impl<'a> Program<'a> {
    fn of(function: &'a Function, profile: &Profile) -> Self {
        match (&function.shared_binary, profile) {
            (Some(shared), Profile::Dev | Profile::Named(_)) => Self::Shared(shared),
            _ => Self::Own(&function.binary),
        }
    }

    fn binary(self) -> &'a str {
        let (Self::Own(binary) | Self::Shared(binary)) = self;
        binary
    }

    fn missing(self, function: &Function, workspace: &Path) -> BuildError {
        BuildError::NoBinary {
            function: function.logical_id.clone(),
            binary: self.binary().to_owned(),
            property: match self {
                Self::Own(_) => "Metadata.BuildProperties.Binary",
                Self::Shared(_) => "Metadata.LocalCloud.Binary",
            },
            workspace: workspace.to_owned(),
        }
    }
}

/// The folder of the functions' sources, and the packages to build.
#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
}

/// The workspaces that have the functions' sources.
pub async fn workspaces(functions: &[Function]) -> Result<Vec<Workspace>, BuildError> {
    let cargo = Cargo::find();
    let mut workspaces = Vec::new();
    for root in cargo.workspaces(functions).await?.into_keys() {
        let target = cargo.metadata(&root).await?.target_directory;
        workspaces.push(Workspace { root, target });
    }
    Ok(workspaces)
}

struct Cargo {
    program: OsString,
}

impl Cargo {
    fn find() -> Self {
        Self { program: std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()) }
    }

    /// The functions by the root of the workspace that they belong to.
    async fn workspaces<'a>(
        &self,
        functions: &'a [Function],
    ) -> Result<BTreeMap<PathBuf, Vec<&'a Function>>, BuildError> {
        let mut workspaces: BTreeMap<PathBuf, Vec<&Function>> = BTreeMap::new();
        let mut roots: BTreeMap<&Path, PathBuf> = BTreeMap::new();
        for function in functions {
            let folder = function.crate_dir.as_path();
            let root = match roots.get(folder) {
                Some(root) => root.clone(),
                None => self.workspace_of(function).await?,
            };
            roots.insert(folder, root.clone());
            workspaces.entry(root).or_default().push(function);
        }
        Ok(workspaces)
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if names_a_package(&name) {
                command.env_remove(name);
            }
        }
        command
    }

    async fn output(&self, command: &mut Command) -> Result<Output, BuildError> {
        command.output().await.map_err(|source| self.unusable(source))
    }

    fn unusable(&self, source: io::Error) -> BuildError {
        BuildError::Cargo { cargo: PathBuf::from(&self.program), source }
    }

    /// The root of the workspace that the function's folder belongs to.
    async fn workspace_of(&self, function: &Function) -> Result<PathBuf, BuildError> {
        #[derive(Deserialize)]
        struct Located {
            root: PathBuf,
        }
        let folder = &function.crate_dir;
        let no_workspace = |message: String| BuildError::NoWorkspace {
            function: function.logical_id.clone(),
            folder: folder.clone(),
            message,
        };
        if !folder.is_dir() {
            // Else it would look as if cargo were missing.
            return Err(no_workspace("no such folder".to_owned()));
        }
        let output = self.output(&mut self.command(folder, &["locate-project", "--workspace"])).await?;
        if !output.status.success() {
            return Err(no_workspace(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let manifest = serde_json::from_slice::<Located>(&output.stdout)?.root;
        Ok(manifest.parent().map_or_else(|| folder.clone(), Path::to_owned))
    }

    async fn metadata(&self, workspace: &Path) -> Result<Metadata, BuildError> {
        let arguments = ["metadata", "--no-deps", "--format-version", "1"];
        let output = self.output(&mut self.command(workspace, &arguments)).await?;
        if !output.status.success() {
            // A manifest that cargo rejects.
            tracing::error!("{}", String::from_utf8_lossy(&output.stderr).trim());
            return Err(BuildError::Failed { workspace: workspace.to_owned(), status: output.status });
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Builds these binaries; gives the path of each by name.
    async fn build(
        &self,
        workspace: &Path,
        binaries: &BTreeSet<&str>,
        profile: &Profile,
        progress: &Progress,
    ) -> Result<BTreeMap<String, PathBuf>, BuildError> {
        #[derive(Deserialize)]
        struct Message {
            reason: String,
            target: Option<Target>,
            executable: Option<PathBuf>,
        }
        let mut command =
            self.command(workspace, &["build", "--workspace", "--message-format=json-render-diagnostics"]);
        command.args(binaries.iter().flat_map(|binary| ["--bin", binary]));
        command.args(["--profile", profile.name()]);
        let output = run(&mut command, progress).await.map_err(|source| self.unusable(source))?;
        if !output.status.success() {
            return Err(BuildError::Failed { workspace: workspace.to_owned(), status: output.status });
        }
        let mut executables = BTreeMap::new();
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{")) {
            let message: Message = serde_json::from_slice(line)?;
            if let ("compiler-artifact", Some(target), Some(executable)) =
                (message.reason.as_str(), message.target, message.executable)
                && target.is_binary()
            {
                executables.insert(target.name, executable);
            }
        }
        Ok(executables)
    }
}

/// Runs cargo for its standard output; standard error goes where its progress is to go.
async fn run(command: &mut Command, progress: &Progress) -> io::Result<Output> {
    let counted = matches!(progress, Progress::Shown) && !io::stderr().is_terminal();
    command.stdout(Stdio::piped()).stderr(match progress {
        Progress::Logged { .. } => Stdio::piped(),
        Progress::Shown if counted => Stdio::piped(),
        Progress::Shown => Stdio::inherit(),
        Progress::Hidden => Stdio::null(),
    });
    if counted {
        command.envs(local_start::progress::BAR);
    }
    if let Progress::Logged { colours: true, .. } = progress {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut cargo = command.spawn()?;
    let said = cargo.stderr.take();
    let log = async {
        match (said, progress) {
            (Some(said), Progress::Logged { sink, .. }) => {
                let mut lines = BufReader::new(said).lines();
                while let Some(line) = lines.next_line().await? {
                    if !console::strip_ansi_codes(&line).trim_start().starts_with("Finished ") {
                        sink.print("cargo", &line);
                    }
                }
            }
            (Some(said), _) => {
                let (mut said, mut counts) =
                    (BufReader::new(said), local_start::progress::Progress::of("the functions"));
                while let Ok(byte) = said.read_u8().await {
                    if let Some(line) = counts.byte(byte) {
                        eprintln!("{line}");
                    }
                }
            }
            (None, _) => {}
        }
        Ok(())
    };
    let (output, ()) = tokio::try_join!(cargo.wait_with_output(), log)?;
    Ok(output)
}

/// Returns true for a variable in which cargo passes a program its own package, as it does for `cargo run` and `cargo test`.
/// Build scripts that read them (ring's does) would run again, with everything that depends on them, whenever a program of
/// another package builds the functions.
pub fn names_a_package(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_EXE_"].iter().any(|prefix| name.starts_with(prefix))
}

/// The parts of `cargo metadata` that are read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

impl Metadata {
    /// The names of all binaries.
    fn binaries(self) -> BTreeSet<String> {
        let targets = self.packages.into_iter().flat_map(|package| package.targets);
        targets.filter(Target::is_binary).map(|target| target.name).collect()
    }
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Target {
    fn is_binary(&self) -> bool {
        self.kind.iter().any(|kind| kind == "bin")
    }
}
