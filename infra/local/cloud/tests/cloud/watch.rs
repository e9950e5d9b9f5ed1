//! `--watch`: changes while the command runs.

use std::fs;

use crate::{Running, application, command, public, until};

#[tokio::test]
async fn changes_are_built_and_run_without_a_restart() {
    let application = application();
    let (source, template) = (application.path().join("src/main.rs"), application.path().join("template.yaml"));
    let log = application.path().join("log");
    let mut watching = command(application.path());
    watching.args(["--ephemeral", "--watch"]).stderr(fs::File::create(&log).unwrap());
    let cloud = Running::of(application.path(), &mut watching).await;
    let logged = |text: &str| fs::read_to_string(&log).unwrap().contains(text);
    assert_eq!(public(&cloud).await, "hello from us-east-1");

    let original = fs::read_to_string(&source).unwrap();
    fs::write(&source, original.replace("{} from {}", "{} again from {}")).unwrap();
    until("the new binary runs", async || public(&cloud).await == "hello again from us-east-1").await;
    until("it is told", async || logged("rebuilt: ") && logged("; the next invocation runs the new binary")).await;

    fs::write(&source, original.replace("fn main() {", "fn main() { missing();")).unwrap();
    until("the build fails", async || logged("the functions run as they were built before")).await;
    assert!(logged("cannot find function `missing`"), "cargo says why");
    assert_eq!(public(&cloud).await, "hello again from us-east-1");

    fs::write(&source, &original).unwrap();
    until("the repaired source runs", async || public(&cloud).await == "hello from us-east-1").await;

    assert!(!logged("template changed"));
    fs::write(&template, fs::read_to_string(&template).unwrap() + "# the end\n").unwrap();
    until("the template's change is told", async || {
        logged("the template changed; restart the local cloud to apply it")
    })
    .await;
    cloud.stop().await;
}
