//! Resources that a function creates.

use local_template::deferred::CustomValues;
use serde_json::json;

use crate::resources::{function, sample};

const CUSTOM: &str = "  First:
    Type: Custom::Thing
    DependsOn: Between
    Properties: { ServiceToken: !GetAtt F.Arn, Count: 3, Nested: { On: true, Gone: !Ref AWS::NoValue, List: [1, a] } }
  Between: { Type: AWS::SQS::Queue, DependsOn: [Second] }
  Second:
    Type: AWS::CloudFormation::CustomResource
    Properties: { ServiceToken: !GetAtt F.Arn }
";

#[test]
fn custom_resources_come_after_what_they_need() {
    let stack = sample(&[function("F", "        {}\n"), CUSTOM.to_owned()]).resolve().unwrap();
    let [second, first] = stack.custom_resources.as_slice() else { panic!("two custom resources") };
    assert_eq!((&*second.logical_id, &*first.logical_id), ("Second", "First"));
    assert_eq!((&*first.resource_type, &*first.function), ("Custom::Thing", "F"));
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:local-F";
    // CloudFormation hands numbers and booleans on as text.
    let expected = json!({"ServiceToken": arn, "Count": "3", "Nested": {"On": "true", "List": ["1", "a"]}});
    assert_eq!(first.properties, expected);

    let circle = CUSTOM.replace("ServiceToken: !GetAtt F.Arn }", "ServiceToken: !GetAtt F.Arn }\n    DependsOn: First");
    assert!(sample(&[function("F", "        {}\n"), circle]).fault().ends_with("depends on itself"));
}

#[test]
fn functions_may_wait_for_what_a_custom_resource_answers() {
    let later = "      Environment: { Variables: { V: !Sub '${First}-${First.Size}' } }\n      Policies:";
    let informed = function("G", "        {}\n").replacen("      Policies:", later, 1);
    let stack = sample(&[function("F", "        {}\n"), informed, CUSTOM.to_owned()]).resolve().unwrap();
    let values = CustomValues::default();
    values.add("First", "one", json!({"Size": 3}).as_object().unwrap());
    let informed = stack.functions.iter().find(|function| function.logical_id == "G").unwrap();
    assert_eq!(values.fill(&informed.environment["V"]).as_deref(), Ok("one-3"));
    let early = CUSTOM.replace("DependsOn: [Second] }", "Properties: { QueueName: !Ref Second } }");
    let fault = sample(&[function("F", "        {}\n"), early]).fault();
    assert!(fault.contains("the values that a custom resource returns are known only after it ran"), "{fault}");
}
