//! `palaver-import`: converts what another chat exports into a file that Palaver imports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use import::{Converted, Error, Subjects, matrix, slack};

/// Converts what another chat exports into a file for `POST /v1/server/imports`.
#[derive(Debug, Parser)]
#[command(name = "palaver-import")]
struct Arguments {
    #[command(subcommand)]
    from: Chat,
    /// The file to write.
    #[arg(long, global = true, default_value = "import.zip")]
    output: PathBuf,
    /// A JSON object with the subjects of users' tokens, by their ids or addresses in the other chat.
    #[arg(long, global = true)]
    subjects: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Chat {
    /// An export of a Slack workspace: the ZIP file, or the folder that was made of it.
    Slack { export: PathBuf },
    /// Exports of Matrix rooms as JSON, as Element makes them: a file for each room.
    Matrix {
        #[arg(required = true)]
        rooms: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, Error> {
    let subjects = match &arguments.subjects {
        Some(file) => {
            Subjects(serde_json::from_slice::<BTreeMap<String, String>>(&read(file)?).map_err(Error::in_file(file))?)
        }
        None => Subjects::default(),
    };
    let Converted { file, summary } = match &arguments.from {
        Chat::Slack { export } => slack::convert(&slack::Files::read(export)?, &subjects)?,
        Chat::Matrix { rooms } => {
            let rooms = rooms.iter().map(|room| Ok((room.display().to_string(), read(room)?)));
            matrix::convert(&rooms.collect::<Result<Vec<_>, Error>>()?, &subjects)?
        }
    };
    std::fs::write(&arguments.output, file).map_err(|error| Error::io(&arguments.output, error))?;
    Ok(format!("{}: {summary}", arguments.output.display()))
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|error| Error::io(file, error))
}
