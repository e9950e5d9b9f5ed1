//! The function that tests invoke: `examples/echo.rs`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use local_cloud::lambda::FunctionSetup;
use local_cloud::template::model::{Architecture, Function};

/// The function `Echo`, as cargo built it for this test.
pub(crate) fn echo() -> FunctionSetup {
    // target/<profile>/deps/<test>-<hash> -> target/<profile>/examples/echo
    let test = std::env::current_exe().unwrap();
    let executable = test.parent().unwrap().parent().unwrap().join("examples/echo");
    assert!(executable.exists(), "build the function first: cargo build -p local-cloud --example echo");
    let function = Function {
        logical_id: "Echo".to_owned(),
        name: "local-Echo".to_owned(),
        arn: "arn:aws:lambda:us-east-1:000000000000:function:local-Echo".to_owned(),
        crate_dir: PathBuf::new(),
        binary: "echo".to_owned(),
        architecture: Architecture::X86_64,
        memory_mib: 128,
        timeout: Duration::from_secs(10),
        environment: BTreeMap::new(),
        reserved_concurrency: None,
        queue_events: Vec::new(),
        stream_events: Vec::new(),
        schedule_events: Vec::new(),
    };
    FunctionSetup { function, executable }
}
