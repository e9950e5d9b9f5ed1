//! Checks of what a start needs, before anything is built.
//!
//! Whoever starts the cloud for the first time waits minutes for a build: all that is missing is said before, and at once.

use local_aurora::postgres::Postgres;
use local_aws::{ACCOUNT, REGION};
use local_template::Template;
use local_template::model::Stack;

use crate::StartError;
use crate::data_dir::DataDir;
use crate::listeners::Listeners;
use crate::options::Options;
use crate::remembered_ports::RememberedPorts;

/// Name of the stack.
pub(crate) const STACK: &str = "local";

/// What a start begins with.
pub(crate) struct Ready {
    pub(crate) stack: Stack,
    pub(crate) listeners: Listeners,
    pub(crate) data_dir: Option<DataDir>,
}

/// Reads the template, locks the data folder, binds the ports, and looks for PostgreSQL or fetches it.
///
/// # Errors
/// A template that is wrong or data that another cloud uses, alone; else everything that is in the way.
pub(crate) async fn check(options: &Options) -> Result<Ready, StartError> {
    let template = Template::read(&options.template)?;
    let data_dir = options.data_dir.as_deref().map(DataDir::open).transpose()?;
    let earlier = data_dir.as_ref().map(|data| RememberedPorts::read(&data.ports())).unwrap_or_default();
    let (listeners, refused) = Listeners::bind(&template, options.ports, &earlier)?;
    let stack = template.resolve(&listeners.for_template(REGION, ACCOUNT, STACK), &options.parameters)?;

    let mut problems: Vec<StartError> = refused.into_iter().map(StartError::Bind).collect();
    if let Err(error) = database(options, &stack, data_dir.as_ref()).await {
        problems.push(error);
    }
    if let Some(function) = options.per.as_ref().filter(|id| !stack.functions.iter().any(|f| f.logical_id == **id)) {
        let known = stack.functions.iter().map(|function| function.logical_id.clone()).collect();
        problems.push(StartError::UnknownFunction { function: function.clone(), known });
    }
    if let (Some(data), true) = (&data_dir, problems.is_empty())
        && let Err(source) = listeners.addresses.ports().write(&data.ports())
    {
        // The first thing that is written: a disk that is full shows here.
        problems.push(StartError::DataDir { folder: data.folder().to_owned(), source });
    }
    match problems.len() {
        0 => Ok(Ready { stack, listeners, data_dir }),
        1 => Err(problems.remove(0)),
        _ => Err(StartError::Several(problems)),
    }
}

async fn database(options: &Options, stack: &Stack, data_dir: Option<&DataDir>) -> Result<(), StartError> {
    match &options.database {
        _ if stack.clusters.is_empty() => Ok(()),
        Some(database) => Ok(database.check(&stack.clusters).await?),
        None => Ok(Postgres::check(data_dir.map(DataDir::postgres).as_deref()).await?),
    }
}
