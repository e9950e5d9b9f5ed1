//! `CapacityProviderConfig`: functions on Managed Instances.

use super::*;
use crate::resources::{GLOBALS, function};

#[test]
fn a_capacity_provider_says_how_many_invocations_a_process_runs_at_once() {
    let with = |properties: &str| {
        let own = format!("      {properties}\n      Policies:");
        Sample::new(&format!("{GLOBALS}{}", function("F", "        {}\n")).replacen("      Policies:", &own, 1))
    };
    let concurrency = |config: &str, memory: u32| {
        let sample = with(&format!("CapacityProviderConfig: {config}\n      MemorySize: {memory}"));
        sample.resolve().unwrap().functions[0].max_concurrency
    };
    let arn = "Arn: 'arn:aws:lambda:eu-central-1:000000000000:capacity-provider:c'";
    assert_eq!(concurrency(&format!("{{ {arn} }}"), 2048), Some(8), "eight for each vCPU");
    assert_eq!(concurrency(&format!("{{ {arn} }}"), 8192), Some(32));
    assert_eq!(concurrency(&format!("{{ {arn}, ExecutionEnvironmentMemoryGiBPerVCpu: 4.0 }}"), 8192), Some(16));
    assert_eq!(concurrency(&format!("{{ {arn}, ExecutionEnvironmentMemoryGiBPerVCpu: 8 }}"), 2048), Some(8));
    assert_eq!(concurrency(&format!("{{ {arn}, PerExecutionEnvironmentMaxConcurrency: 3 }}"), 8192), Some(3));
    assert_eq!(concurrency("!Ref AWS::NoValue", 2048), None);
    assert_eq!(with("MemorySize: 2048").resolve().unwrap().functions[0].max_concurrency, None);
    let small = with(&format!("CapacityProviderConfig: {{ {arn} }}")).fault();
    assert!(
        small.ends_with("a function with `CapacityProviderConfig` needs a `MemorySize` of at least 2048"),
        "{small}"
    );
    let nowhere = with("CapacityProviderConfig: { PerExecutionEnvironmentMaxConcurrency: 3 }").fault();
    assert!(nowhere.contains("`CapacityProviderConfig` needs `Arn`"), "{nowhere}");
    let both = with(&format!("CapacityProviderConfig: {{ {arn} }}\n      VpcConfig: {{ SubnetIds: [s] }}")).fault();
    assert!(both.ends_with("a function has `CapacityProviderConfig` or `VpcConfig`, not both"), "{both}");
}
