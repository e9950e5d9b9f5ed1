//! `CapacityProviderConfig`: functions on Lambda Managed Instances, whose processes run several invocations at once.

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::shape::Shape;

const SHAPE: Shape = Shape {
    place: "`CapacityProviderConfig`",
    supported: &["Arn", "ExecutionEnvironmentMemoryGiBPerVCpu", "PerExecutionEnvironmentMaxConcurrency"],
    ignored: &[],
};

/// Lambda's default for Rust, per vCPU:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-rust.html>.
const CONCURRENCY_PER_VCPU: u32 = 8;

const CONCURRENCY: std::ops::RangeInclusive<u32> = 1..=1600;

/// GiB of memory for each vCPU: 2 unless set.
const MEMORY_GIB_PER_VCPU: std::ops::RangeInclusive<f64> = 2.0..=8.0;

/// "The minimum supported function size is 2GB and 1 vCPU":
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-best-practices.html>.
const MIN_MEMORY_MIB: u32 = 2048;

/// Properties that SAM refuses beside it.
const EXCLUDED: [&str; 2] = ["ProvisionedConcurrencyConfig", "VpcConfig"];

/// Returns the number of invocations that a process of the function runs at once; `None` without a capacity provider.
pub(super) fn max_concurrency(function: &Fields<'_>, memory_mib: u32) -> Result<Option<u32>, Fault> {
    let Some(config) = function.object("CapacityProviderConfig", &SHAPE)? else { return Ok(None) };
    // Not evaluated: the provider is a machine of AWS.
    if config.node("Arn")?.is_none() {
        return Err(config.missing("Arn"));
    }
    for other in EXCLUDED {
        if function.node(other)?.is_some() {
            let sentence = format!("a function has `CapacityProviderConfig` or `{other}`, not both");
            return Err(Fault::invalid(function.line(other), sentence));
        }
    }
    if memory_mib < MIN_MEMORY_MIB {
        let sentence =
            format!("a function with `CapacityProviderConfig` needs a `MemorySize` of at least {MIN_MEMORY_MIB}");
        return Err(Fault::invalid(function.line("CapacityProviderConfig"), sentence));
    }
    let ratio = config.number("ExecutionEnvironmentMemoryGiBPerVCpu", MEMORY_GIB_PER_VCPU)?;
    let gib_per_vcpu = ratio.unwrap_or(*MEMORY_GIB_PER_VCPU.start());
    let set = config.number("PerExecutionEnvironmentMaxConcurrency", CONCURRENCY)?;
    Ok(Some(set.unwrap_or_else(|| CONCURRENCY_PER_VCPU * vcpus(memory_mib, gib_per_vcpu))))
}

/// Whole vCPUs, one at least.
fn vcpus(memory_mib: u32, gib_per_vcpu: f64) -> u32 {
    let vcpus = f64::from(memory_mib) / 1024.0 / gib_per_vcpu;
    (1..=5).rev().find(|whole| f64::from(*whole) <= vcpus).unwrap_or(1)
}
