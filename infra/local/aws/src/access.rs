//! Who makes a request, and whether the policies of its role allow it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::hmac;
use serde::Serialize;

use super::credentials::{DEVELOPER_ACCESS_KEY, DEVELOPER_SECRET_KEY, Keys, function_of};
use super::identity::{ACCOUNT, REGION};
use super::permissions::{Permission, PermissionLog};
use super::policy::{Policy, Verdict};
use super::signature::{self, Claim, Signable, SignatureError};

/// Signing keys that are kept: one for each caller, service and day.
const MAX_SIGNING_KEYS: usize = 1000;

/// The role of a function, which its instances have assumed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principal {
    /// The function's logical id.
    pub function: String,
    /// The function's name, which is that of the session.
    pub session: String,
    /// Name of the role.
    pub role: String,
    /// All statements of the role.
    pub policy: Policy,
    /// What policies of data access grant to the role.
    pub data_access: Policy,
}

impl Principal {
    /// Returns the ARN of the session.
    pub fn arn(&self) -> String {
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/{}", self.role, self.session)
    }
}

/// The signer of a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A program that is no function. It may do everything; its session token, if it has one, names it in plans of faults.
    Developer {
        /// The session token, or the access key.
        name: String,
    },
    /// An instance of a function.
    Function {
        /// The role that the function has assumed.
        principal: Arc<Principal>,
        /// Id of the instance.
        instance: String,
    },
}

impl Caller {
    /// Returns the name by which plans of faults know the caller: a function's logical id.
    pub fn name(&self) -> &str {
        match self {
            Self::Developer { name } => name,
            Self::Function { principal, .. } => &principal.function,
        }
    }

    /// Returns the logical id of a function; `None` for other programs.
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Developer { .. } => None,
            Self::Function { principal, .. } => Some(&principal.function),
        }
    }

    /// Returns the id of a function's instance.
    pub fn instance(&self) -> Option<&str> {
        match self {
            Self::Developer { .. } => None,
            Self::Function { instance, .. } => Some(instance),
        }
    }
}

/// A request that the policies of its signer do not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// ARN of the session.
    arn: String,
    /// The permission that is missing.
    pub permission: Permission,
    is_explicit: bool,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded(&self.permission.action, &self.permission.resource))
    }
}

impl Denied {
    /// Returns AWS's sentence, with action and resource as a service writes them.
    pub fn worded(&self, action: &str, resource: &str) -> String {
        let reason = if self.is_explicit {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the {action} action")
        };
        format!("User: {} is not authorized to perform: {action} on resource: {resource} {reason}", self.arn)
    }
}

/// A permission that was missing, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// The function's logical id.
    pub function: String,
    /// The permission that it lacked.
    #[serde(flatten)]
    pub permission: Permission,
    /// Number of requests that were denied.
    pub count: u64,
}

/// The keys and policies of a cloud. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Access(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    keys: Keys,
    /// By the function's logical id.
    principals: BTreeMap<String, Arc<Principal>>,
    needed: Option<PermissionLog>,
    denied: Option<PermissionLog>,
    denials: Mutex<BTreeMap<(String, Permission), u64>>,
    /// By access key, service and day.
    signing_keys: Mutex<HashMap<[String; 3], hmac::Key>>,
}

impl Access {
    /// Gives the functions of these roles access, and the developer. What requests need is recorded in `needed`, and what they
    /// lack in `denied`.
    pub fn new(
        keys: Keys,
        principals: impl IntoIterator<Item = Principal>,
        needed: Option<PermissionLog>,
        denied: Option<PermissionLog>,
    ) -> Self {
        let principals = principals.into_iter().map(|principal| (principal.function.clone(), Arc::new(principal)));
        Self(Arc::new(Inner { keys, principals: principals.collect(), needed, denied, ..Inner::default() }))
    }

    /// Returns the keys that functions sign with.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Finds the signer of a request and verifies the signature.
    pub fn authenticate(&self, request: Signable<'_>) -> Result<Caller, SignatureError> {
        let claim = Claim::read(request.uri, request.headers)?;
        let caller = self.identify(&claim.access_key, claim.token())?;
        signature::verify(&claim, request, &self.signing_key(&claim)?)?;
        Ok(caller)
    }

    /// Finds who has an access key and session token. Whether they signed with it is another question.
    pub fn identify(&self, access_key: &str, token: Option<&str>) -> Result<Caller, SignatureError> {
        if access_key == DEVELOPER_ACCESS_KEY {
            return Ok(Caller::Developer { name: token.unwrap_or(access_key).to_owned() });
        }
        let principal = function_of(access_key).and_then(|function| self.0.principals.get(function));
        let principal = principal.ok_or(SignatureError::UnknownKey)?;
        let instance = token.and_then(|token| self.0.keys.instance(&principal.function, token));
        let instance = instance.ok_or(SignatureError::UnknownKey)?.to_owned();
        Ok(Caller::Function { principal: Arc::clone(principal), instance })
    }

    /// Finds who has signed a form, whose session token is not read.
    pub fn signer_of_form(&self, access_key: &str) -> Result<Caller, SignatureError> {
        if access_key == DEVELOPER_ACCESS_KEY {
            return self.identify(access_key, None);
        }
        let principal = function_of(access_key).and_then(|function| self.0.principals.get(function));
        let principal = Arc::clone(principal.ok_or(SignatureError::UnknownKey)?);
        Ok(Caller::Function { principal, instance: String::new() })
    }

    /// Returns the secret key of an access key.
    pub fn secret_key(&self, access_key: &str) -> Option<Cow<'static, str>> {
        if access_key == DEVELOPER_ACCESS_KEY {
            return Some(DEVELOPER_SECRET_KEY.into());
        }
        let principal = self.0.principals.get(function_of(access_key)?)?;
        Some(self.0.keys.secret_key(&principal.function).into())
    }

    /// Decides whether a caller may do all of this. Counts and logs a denial.
    pub fn authorize(&self, caller: &Caller, permissions: &[Permission]) -> Result<(), Denied> {
        permissions.iter().try_for_each(|permission| self.evaluate(caller, permission)).inspect_err(|denied| {
            if let Some(function) = caller.function() {
                self.count(function, &denied.permission);
            }
        })
    }

    /// Decides whether policies of data access grant all of this to a caller. Counts and logs a denial.
    pub fn authorize_data(&self, caller: &Caller, permissions: &[Permission]) -> Result<(), Denied> {
        let Caller::Function { principal, .. } = caller else { return Ok(()) };
        let granted = |permission: &Permission| verdict(principal, &principal.data_access, permission);
        permissions
            .iter()
            .try_for_each(granted)
            .inspect_err(|denied| self.count(&principal.function, &denied.permission))
    }

    /// Decides whether the policies of a caller allow something, where a denial is no failure of the request.
    pub fn evaluate(&self, caller: &Caller, permission: &Permission) -> Result<(), Denied> {
        let Caller::Function { principal, .. } = caller else { return Ok(()) };
        if let Some(needed) = &self.0.needed {
            needed.record(&principal.function, permission);
        }
        verdict(principal, &principal.policy, permission)
    }

    /// Returns the denials so far.
    pub fn denials(&self) -> Vec<Denial> {
        let denials = lock(&self.0.denials);
        let denial = |((function, permission), count): (&(String, Permission), &u64)| Denial {
            function: function.clone(),
            permission: permission.clone(),
            count: *count,
        };
        denials.iter().map(denial).collect()
    }

    fn count(&self, function: &str, permission: &Permission) {
        let Permission { action, resource } = permission;
        tracing::error!(function, action, resource, "access denied: no policy of `{function}` allows it");
        *lock(&self.0.denials).entry((function.to_owned(), permission.clone())).or_default() += 1;
        if let Some(denied) = &self.0.denied {
            denied.record(function, permission);
        }
    }

    fn signing_key(&self, claim: &Claim<'_>) -> Result<hmac::Key, SignatureError> {
        if claim.region != REGION {
            return Err(SignatureError::WrongScope);
        }
        let id = [&*claim.access_key, claim.service, claim.date].map(str::to_owned);
        let mut keys = lock(&self.0.signing_keys);
        if let Some(key) = keys.get(&id) {
            return Ok(key.clone());
        }
        let secret = self.secret_key(&claim.access_key).ok_or(SignatureError::UnknownKey)?;
        let key = signature::signing_key(&secret, claim.date, claim.service);
        if keys.len() == MAX_SIGNING_KEYS {
            keys.clear();
        }
        keys.insert(id, key.clone());
        Ok(key)
    }
}

fn verdict(principal: &Principal, policy: &Policy, permission: &Permission) -> Result<(), Denied> {
    match policy.evaluate(&permission.action, &permission.resource) {
        Verdict::Allow => Ok(()),
        verdict => {
            let (arn, permission) = (principal.arn(), permission.clone());
            Err(Denied { arn, permission, is_explicit: verdict == Verdict::ExplicitDeny })
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
