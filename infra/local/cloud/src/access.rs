//! Who has access to a cloud's services.

use std::path::PathBuf;

use local_aws::policy::{Effect, Statement};
use local_aws::{ACCOUNT, Access, Keys, PermissionLog, Policy, Principal};
use local_template::model::Stack;

use crate::StartError;
use crate::data_dir::DataDir;

/// Returns the permissions that policies of data access grant to a role.
fn data_access(stack: &Stack, role: &str) -> Policy {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
    let grants = stack.data_access.iter().filter(|grant| grant.principals.contains(&arn));
    grants.map(|grant| Statement::new(Effect::Allow, &grant.permissions, grant.resources.clone())).collect()
}

/// Gives access to the functions of a stack, with keys that last as long as the data folder, and to the developer. The files are
/// for the permissions that functions need, and for those that they lack.
pub(crate) fn open(
    stack: &Stack,
    data_dir: Option<&DataDir>,
    needed: Option<PathBuf>,
    denied: Option<PathBuf>,
) -> Result<Access, StartError> {
    let keys = match data_dir {
        Some(data) => Keys::load_or_create(&data.access_keys())
            .map_err(|source| StartError::DataDir { folder: data.folder().to_owned(), source })?,
        None => Keys::default(),
    };
    let principals = stack.functions.iter().map(|function| Principal {
        function: function.logical_id.clone(),
        session: function.name.clone(),
        role: function.role.clone(),
        policy: function.policy.clone(),
        data_access: data_access(stack, &function.role),
    });
    let open =
        |file: PathBuf| PermissionLog::append_to(&file).map_err(|source| StartError::Permissions { file, source });
    let denied = denied.map(|file| PermissionLog::create_later(&file));
    Ok(Access::new(keys, principals, needed.map(open).transpose()?, denied))
}
