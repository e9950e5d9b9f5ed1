//! Groups of schedules, and the roles with which schedules invoke their targets.

use local_template::model::ScheduleGroup;

use crate::resources::sample;

const FUNCTION: &str = "  Plan:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: plan } }
    Properties:
      Environment:
        Variables: { GROUP: !Ref Later, GROUP_ARN: !GetAtt Later.Arn, ROLE: !Ref Role, ROLE_ARN: !GetAtt Role.Arn }
  Role: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: {} } }
";

#[test]
fn a_group_has_a_name_and_a_role_has_an_arn() {
    let group = "  Later: { Type: AWS::Scheduler::ScheduleGroup }\n";
    let stack = sample(&[FUNCTION.to_owned(), group.to_owned()]).resolve().unwrap();
    let expected = ScheduleGroup { logical_id: "Later".to_owned(), name: "local-Later".to_owned() };
    assert_eq!(stack.schedule_groups, [expected]);
    let environment = &stack.functions[0].environment;
    for (name, value) in [
        ("GROUP", "local-Later"),
        ("GROUP_ARN", "arn:aws:scheduler:us-east-1:000000000000:schedule-group/local-Later"),
        ("ROLE", "local-Role"),
        ("ROLE_ARN", "arn:aws:iam::000000000000:role/local-Role"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }

    let named = "  Later: { Type: AWS::Scheduler::ScheduleGroup, Properties: { Name: evening } }\n";
    let stack = sample(&[FUNCTION.to_owned(), named.to_owned()]).resolve().unwrap();
    assert_eq!(stack.schedule_groups[0].name, "evening");
    let wrong = "  Later: { Type: AWS::Scheduler::ScheduleGroup, Properties: { GroupName: evening } }\n";
    let fault = sample(&[FUNCTION.to_owned(), wrong.to_owned()]).fault();
    assert!(fault.contains("`GroupName`"), "{fault}");
}
