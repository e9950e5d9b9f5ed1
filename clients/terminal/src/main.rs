//! `cargo chat alice`: a chat in the terminal, with the cloud that `cargo local` runs.

mod arguments;
mod command;
mod names;
mod render;
mod screen;
mod session;
mod transfer;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use client::{Api, ApiError, Client, Endpoints, FixedToken, LocalIssuer, Pace, Refusal, TokenSource};

use arguments::Arguments;
use screen::{Screen, ScreenError};
use session::Session;

#[derive(Debug, thiserror::Error)]
enum ChatError {
    #[error("cannot read {}: is `cargo local` running, in another terminal?", .0.display())]
    NotRunning(std::path::PathBuf, #[source] std::io::Error),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Screen(#[from] ScreenError),
    #[error("the chat has ended")]
    Refused(#[from] Refusal),
}

#[tokio::main]
async fn main() -> ExitCode {
    // Before anything else: help and mistakes log nobody in.
    let arguments = Arguments::parse();
    match chat(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", client::domain::error::causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn chat(arguments: &Arguments) -> Result<(), ChatError> {
    let path = arguments.endpoints();
    let endpoints = Endpoints::read(&path).map_err(|error| ChatError::NotRunning(path, error))?;
    let tokens: Arc<dyn TokenSource> = match &arguments.token {
        Some(token) => Arc::new(FixedToken::new(token.as_str())),
        None => Arc::new(LocalIssuer::new(&endpoints.oidc_token, arguments.name.as_str())?),
    };
    let api = Arc::new(Api::with_tokens(endpoints, tokens)?);
    // A token that is not accepted shows here, with its reason.
    let me = api.profile(&arguments.name).await?;
    let started = Client::start(Arc::clone(&api), me, Pace::default());
    let mut session = Session::new(api, started, me, Screen::open()?).await?;
    let ended = session.run(&arguments.name, arguments.with.clone()).await;
    session.close().await?;
    ended
}
