//! The function `Echo`, from `echo/main.rs` of this crate. A crate that tests with it lists it as an example of its own, with its
//! package's name before `-echo`, so that cargo builds it with the tests.

use std::time::Duration;

use local_lambda::FunctionSetup;
use local_template::model::Function;

use crate::function;

/// Returns the function `Echo`, as cargo built it with the tests of `package`.
///
/// # Panics
///
/// If cargo did not build it.
pub fn echo(package: &str) -> FunctionSetup {
    // target/<profile>/deps/<test>-<hash> -> target/<profile>/examples/<package>-echo
    let test = std::env::current_exe().expect("the path of the test");
    let profile = test.ancestors().nth(2).expect("a test is two folders deep");
    let executable = profile.join(format!("examples/{package}-echo"));
    assert!(executable.exists(), "build the function first: cargo build -p {package} --examples");
    let function = Function { timeout: Duration::from_secs(10), ..function("Echo") };
    FunctionSetup { function, executable }
}
