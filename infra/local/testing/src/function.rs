//! A function as a template describes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use local_aws::Policy;
use local_template::model::{Architecture, AsynchronousEvents, Function};

/// Returns a function of the stack `local` with SAM's defaults and without events, sources or variables. Its binary has the logical
/// id in lower case.
pub fn function(logical_id: &str) -> Function {
    let name = format!("local-{logical_id}");
    Function {
        logical_id: logical_id.to_owned(),
        arn: format!("arn:aws:lambda:us-east-1:000000000000:function:{name}"),
        name,
        crate_dir: PathBuf::new(),
        binary: logical_id.to_lowercase(),
        shared_binary: None,
        architecture: Architecture::X86_64,
        memory_mib: 128,
        timeout: Duration::from_secs(3),
        environment: BTreeMap::new(),
        reserved_concurrency: None,
        max_concurrency: None,
        role: format!("local-{logical_id}Role"),
        policy: Policy::default(),
        queue_events: Vec::new(),
        stream_events: Vec::new(),
        schedule_events: Vec::new(),
        asynchronous: AsynchronousEvents::default(),
        recursive_loop_allowed: false,
    }
}
