//! Intrinsic functions, parameters, conditions, mappings and globals.

use super::*;

#[test]
fn pseudo_parameters() {
    for (name, value) in [
        ("Region", "us-east-1"),
        ("AccountId", "000000000000"),
        ("Partition", "aws"),
        ("URLSuffix", "amazonaws.com"),
        ("StackName", "local"),
    ] {
        assert_eq!(value_of(&with_variable(&format!("!Ref AWS::{name}"))), value);
    }
}

#[test]
fn short_and_long_forms_give_the_same() {
    for form in [
        "!Sub 'a-${AWS::Region}-${!kept}'",
        "{ 'Fn::Sub': 'a-${AWS::Region}-${!kept}' }",
        "!Sub ['${Head}-${AWS::Region}-${!kept}', { Head: a }]",
        "!Join ['-', [a, !Ref AWS::Region, '${kept}']]",
        "{ 'Fn::Join': ['-', [a, { Ref: 'AWS::Region' }, '${kept}']] }",
        "!Join [ '', !Split [ '|', 'a-|us-east-1|-${kept}' ] ]",
    ] {
        assert_eq!(value_of(&with_variable(form)), "a-us-east-1-${kept}", "{form}");
    }
}

#[test]
fn attributes_in_all_forms() {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:local-G";
    for form in ["!GetAtt G.Arn", "!GetAtt [G, Arn]", "{ 'Fn::GetAtt': G.Arn }", "!Sub '${G.Arn}'"] {
        let mut text = std::fs::read_to_string(with_variable(form).file()).unwrap();
        text.push_str("  G: { Type: AWS::Serverless::Function, Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: g } }, Properties: { CodeUri: ./code/, Runtime: provided.al2023 } }\n");
        assert_eq!(value_of(&Sample::new(&text)), arn, "{form}");
    }
}

#[test]
fn select_takes_an_item_of_a_list() {
    assert_eq!(value_of(&with_variable("!Select [1, [a, b]]")), "b");
    let sample = with_variable("!Select [2, [a, b]]");
    assert_eq!(sample.fault(), "template.yaml:13: `Select` finds no item 2 in a list of 2");
}

#[test]
fn scalars_keep_their_text() {
    assert_eq!(value_of(&with_variable("000123")), "000123");
    assert_eq!(value_of(&with_variable("1.50")), "1.50");
    assert_eq!(value_of(&with_variable("true")), "true");
    assert_eq!(value_of(&with_variable("'null'")), "null");
}

const CONDITIONAL: &str = "Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: dev, AllowedValues: [dev, prod] }
  Names: { Type: CommaDelimitedList, Default: 'a, b' }
Mappings:
  Sizes:
    dev: { Memory: 256 }
    prod: { Memory: 1024 }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Either: !Or [Condition: IsProd, Condition: IsDev]
  Both: !And [Condition: IsProd, Condition: IsDev]
Globals:
  Function:
    Runtime: provided.al2023
    CodeUri: code
    Timeout: 10
    Environment:
      Variables:
        GLOBAL: g
        STAGE: global
Resources:
  F:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: f } }
    Properties:
      MemorySize: !FindInMap [Sizes, !Ref Stage, Memory]
      Timeout: !If [IsProd, 30, !Ref AWS::NoValue]
      Environment:
        Variables:
          STAGE: !If [IsProd, p, !If [Either, d, never]]
          BOTH: !If [Both, 'yes', !Ref AWS::NoValue]
          SECOND: !Select [1, !Ref Names]
  Extra:
    Type: AWS::SQS::Queue
    Condition: IsProd
";

#[test]
fn parameters_decide_conditions() {
    let sample = Sample::new(CONDITIONAL);
    let dev = sample.resolve().unwrap();
    let function = &dev.functions[0];
    assert_eq!(function.memory_mib, 256);
    assert!(dev.queues.is_empty());
    let expected = [("GLOBAL", "g"), ("SECOND", "b"), ("STAGE", "d")];
    assert_eq!(function.environment, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());

    let prod = sample.resolve_with(&[("Stage", "prod"), ("Names", "x,y,z")]).unwrap();
    let function = &prod.functions[0];
    assert_eq!((function.memory_mib, function.timeout.as_secs()), (1024, 30));
    assert_eq!((&*function.environment["STAGE"], &*function.environment["SECOND"]), ("p", "y"));
    assert_eq!(prod.queues[0].name, "local-Extra");
}

#[test]
fn no_value_removes_a_property() {
    // The global one is gone as well: SAM merges before CloudFormation decides.
    assert_eq!(Sample::new(CONDITIONAL).resolve().unwrap().functions[0].timeout.as_secs(), 3);
}

#[test]
fn parameters_are_checked() {
    let sample = Sample::new(CONDITIONAL);
    let error = sample.resolve_with(&[("Stage", "test")]).unwrap_err().to_string();
    assert!(
        error.ends_with("template.yaml:3: `test` is not allowed for `Stage`: it must be one of dev, prod"),
        "{error}"
    );
    let error = sample.resolve_with(&[("Stag", "dev")]).unwrap_err().to_string();
    assert!(error.ends_with("the template has no parameter `Stag`; it has `Stage`, `Names`"), "{error}");

    let without_default = Sample::new(
        "Transform: AWS::Serverless-2016-10-31\nParameters:\n  Size:\n    Type: Number\n    MaxValue: 9\nResources: { Q: { Type: AWS::SQS::Queue } }\n",
    );
    let sentence = "template.yaml:3: the parameter `Size` has no default: give it with `--parameter Size=…`";
    assert_eq!(without_default.fault(), sentence);
    let error = without_default.resolve_with(&[("Size", "10")]).unwrap_err().to_string();
    assert!(error.ends_with("template.yaml:3: `10` is not allowed for `Size`: it must be at most 9"), "{error}");
    let error = without_default.resolve_with(&[("Size", "ten")]).unwrap_err().to_string();
    assert!(error.ends_with("`ten` is not allowed for `Size`: it must be a number"), "{error}");
    assert!(without_default.resolve_with(&[("Size", "9")]).is_ok());
}

#[test]
fn a_template_has_values_of_its_own_for_the_local_cloud() {
    let template = |metadata: &str| {
        Sample::new(&format!(
            "Transform: AWS::Serverless-2016-10-31\nParameters:\n  Name: {{ Type: String, Default: aws }}\n\
             Metadata:\n  AWS::CloudFormation::Interface: {{}}\n  LocalCloud: {metadata}\n\
             Resources:\n  Q: {{ Type: AWS::SQS::Queue, Properties: {{ QueueName: !Ref Name }} }}\n  \
             F: {{ Type: AWS::Serverless::Function, Metadata: {{ BuildMethod: rust-cargolambda, \
             BuildProperties: {{ Binary: own }} }}, Properties: {{ CodeUri: ./code/, Runtime: provided.al2023 }} }}\n",
        ))
    };
    let name = |stack: Result<local_template::model::Stack, _>| stack.unwrap().queues[0].name.clone();
    let local = template("{ Parameters: { Name: here } }");
    assert_eq!(name(local.resolve()), "here");
    assert_eq!(name(local.resolve_with(&[("Name", "given")])), "given");
    assert_eq!(
        template("{ Parameters: { Nam: here } }").fault(),
        "template.yaml:6: the template has nothing named `Nam`"
    );
    let shared = template("{ Binary: every-function }").resolve().unwrap();
    assert_eq!(shared.queues[0].name, "aws");
    let binaries = shared.functions.iter().map(|function| (&*function.binary, function.shared_binary.as_deref()));
    assert_eq!(binaries.collect::<Vec<_>>(), [("own", Some("every-function"))]);
    assert_eq!(template("{}").resolve().unwrap().functions[0].shared_binary, None);
    let fault = template("{ Parameter: { Name: here } }").fault();
    assert!(fault.starts_with("template.yaml:6: `Metadata.LocalCloud` with `Parameter` is not supported"), "{fault}");
}

#[test]
fn a_pattern_has_to_match_the_whole_value() {
    let with_pattern = |pattern: &str| {
        Sample::new(&format!(
            "Transform: AWS::Serverless-2016-10-31\nParameters:\n  Names:\n    Type: CommaDelimitedList\n    AllowedPattern: '{pattern}'\n    ConstraintDescription: letters only\nResources: {{ Q: {{ Type: AWS::SQS::Queue }} }}\n",
        ))
    };
    let letters = with_pattern("[a-z]+|[A-Z]+");
    assert!(letters.resolve_with(&[("Names", "a,BC")]).is_ok());
    for wrong in ["a,b1", "aB"] {
        let error = letters.resolve_with(&[("Names", wrong)]).unwrap_err().to_string();
        assert!(
            error.ends_with("is not allowed for `Names`: it does not match [a-z]+|[A-Z]+ (letters only)"),
            "{error}"
        );
    }
    let error = with_pattern("(?=a)a").resolve_with(&[("Names", "a")]).unwrap_err().to_string();
    assert!(error.contains("template.yaml:5: `AllowedPattern` is not supported locally: "), "{error}");
}

#[test]
fn a_resource_with_a_false_condition_cannot_be_referenced() {
    let text = CONDITIONAL.replace("GLOBAL: g", "GLOBAL: !Ref Extra");
    let sentence = "template.yaml:21: `Extra` does not exist here: its condition is false";
    assert_eq!(Sample::new(&text).fault(), sentence);
    assert!(Sample::new(&text).resolve_with(&[("Stage", "prod")]).is_ok());
}

#[test]
fn circles_are_faults() {
    let names = "  A: { Type: AWS::SQS::Queue, Properties: { QueueName: !GetAtt B.QueueName } }
  B: { Type: AWS::SQS::Queue, Properties: { QueueName: !GetAtt A.QueueName } }
";
    assert!(with_resources(names).fault().ends_with("`B` depends on itself"));
    let conditions = "Transform: AWS::Serverless-2016-10-31
Conditions:
  A: !Not [!Condition A]
Resources:
  Q: { Type: AWS::SQS::Queue, Condition: A }
";
    assert_eq!(Sample::new(conditions).fault(), "template.yaml:3: `A` depends on itself");
}

/// A queue with a property that is not supported, on line 6.
fn with_unsupported(value: &str) -> Sample {
    Sample::new(&format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Q:
    Type: AWS::SQS::Queue
    Properties:
      FairQueue: {value}
      RedrivePolicy: !If [Prod, {{ Unsupported: 1 }}, !Ref AWS::NoValue]
Parameters:
  Stage: {{ Type: String, Default: dev }}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
"
    ))
}

#[test]
fn unsupported_properties_may_be_removed_by_conditions() {
    for value in [
        "!If [Prod, true, !Ref AWS::NoValue]",
        "!Ref AWS::NoValue",
        "!If [Prod, x, !If [Prod, y, !Ref 'AWS::NoValue']]",
    ] {
        assert_eq!(with_unsupported(value).resolve().unwrap().queues.len(), 1, "{value}");
    }
    let start = "template.yaml:6: AWS::SQS::Queue with `FairQueue` is not supported; supported: ";
    let fault = with_unsupported("!If [Prod, !Ref AWS::NoValue, true]").fault();
    assert!(fault.starts_with(start), "{fault}");
    let sample = with_unsupported("!If [Prod, true, !Ref AWS::NoValue]");
    let fault = sample.resolve_with(&[("Stage", "prod")]).unwrap_err().to_string();
    assert!(fault.contains(start), "{fault}");
    assert!(with_unsupported("true").read().is_err(), "without a condition it is refused while reading");
}

#[test]
fn unsupported_resources_may_be_removed_by_conditions() {
    let text = "Transform: AWS::Serverless-2016-10-31
Resources:
  Q: { Type: AWS::SQS::Queue }
  T:
    Type: AWS::SNS::Topic
    Condition: Prod
Parameters:
  Stage: { Type: String, Default: dev }
Conditions:
  Prod: !Equals [!Ref Stage, prod]
";
    assert_eq!(Sample::new(text).resolve().unwrap().queues.len(), 1);
    let fault = Sample::new(text).resolve_with(&[("Stage", "prod")]).unwrap_err().to_string();
    assert!(fault.contains("template.yaml:5: the resource type `AWS::SNS::Topic` is not supported"), "{fault}");
}

#[test]
fn dynamic_references_have_the_developers_values() {
    let values = r#"{"ssm": {"/app/url": "http://a", "plain": "p"},
        "secretsmanager": {"app": {"user": "u", "port": 5432}, "text": "t", "json": "{\"k\": \"v\"}"}}"#;
    for (value, expected) in [
        ("'{{resolve:ssm:/app/url}}'", "http://a"),
        ("'{{resolve:ssm:/app/url:3}}'", "http://a"),
        ("'{{resolve:ssm-secure:plain:1}}'", "p"),
        ("'{{resolve:ssm:arn:aws:ssm:us-east-1:1:parameter/app/url:2}}'", "http://a"),
        ("'{{resolve:secretsmanager:text}}'", "t"),
        ("'{{resolve:secretsmanager:app:SecretString:user}}'", "u"),
        ("'{{resolve:secretsmanager:app:SecretString:port:AWSCURRENT}}'", "5432"),
        ("'{{resolve:secretsmanager:json:SecretString:k}}'", "v"),
        ("'{{resolve:secretsmanager:arn:aws:secretsmanager:us-east-1:1:secret:app:SecretString:user::}}'", "u"),
        ("'a {{resolve:ssm:plain}} b {{resolve:ssm:plain}} c'", "a p b p c"),
        ("!Sub '{{resolve:ssm:/${Name}/url}}'", "http://a"),
        ("!Join ['', ['{{resolve:ssm:', plain, '}}!']]", "p!"),
        ("'{{resolve'", "{{resolve"),
    ] {
        let value = value.replace("${Name}", "app");
        let sample = with_variable(&value);
        std::fs::write(sample.folder.path().join("local-references.json"), values).unwrap();
        assert_eq!(value_of(&sample), expected, "{value}");
    }
}

#[test]
fn dynamic_references_without_a_value_name_the_line() {
    for reference in ["ssm:/app/url", "ssm-secure:a:1", "secretsmanager:app:SecretString:user"] {
        let section = reference.split([':', '-']).next().unwrap();
        let fault = with_variable(&format!("'{{{{resolve:{reference}}}}}'")).fault();
        let expected = format!(
            "template.yaml:13: `{{{{resolve:{reference}}}}}` has no value here: add it to `{section}` in the file \
             `local-references.json` beside the template"
        );
        assert_eq!(fault, expected);
    }
    let fault = with_variable("'{{resolve:vault:a}}'").fault();
    assert!(fault.starts_with("template.yaml:13: the dynamic reference to `vault` is not supported; "), "{fault}");
    let sample = with_variable("a");
    std::fs::write(sample.folder.path().join("local-references.json"), "{").unwrap();
    assert!(sample.fault().starts_with("local-references.json: cannot read the values of dynamic references: "));
}
