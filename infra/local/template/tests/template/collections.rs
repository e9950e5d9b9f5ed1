//! Collections of OpenSearch Serverless and their policies.

use local_template::model::{Collection, DataAccess};

use crate::with_resources;

/// A function, a collection and its policies. The collection is on line 12, its name on line 14.
fn template(name: &str, kind: &str, network: &str, access: &str) -> String {
    format!(
        r#"  Find:
    Type: AWS::Serverless::Function
    Metadata: {{ BuildMethod: rust-cargolambda, BuildProperties: {{ Binary: find }} }}
    Properties:
      CodeUri: code
      Runtime: provided.al2023
      Environment:
        Variables: {{ URL: !GetAtt Texts.CollectionEndpoint, ARN: !GetAtt Texts.Arn, ID: !Ref Texts, ROLE: !GetAtt FindRole.Arn }}

  Texts:
    Type: AWS::OpenSearchServerless::Collection
    DependsOn: [Encryption, Network]
    Properties: {{ Name: {name}, Type: {kind} }}
  Encryption:
    Type: AWS::OpenSearchServerless::SecurityPolicy
    Properties:
      Name: texts
      Type: encryption
      Policy: '{{"Rules": [{{"ResourceType": "collection", "Resource": ["collection/te*"]}}], "AWSOwnedKey": true}}'
  Network:
    Type: AWS::OpenSearchServerless::SecurityPolicy
    Properties:
      Name: texts
      Type: network
      Policy: '[{{"Rules": [{{"ResourceType": "collection", "Resource": ["{network}"]}}], "AllowFromPublic": true}}]'
  Access:
    Type: AWS::OpenSearchServerless::AccessPolicy
    Properties:
      Name: texts
      Type: data
      Policy: !Sub '{access}'
"#
    )
}

const ACCESS: &str = r#"[{"Rules": [{"ResourceType": "index", "Resource": ["index/texts/*"], "Permission": ["aoss:ReadDocument"]}], "Principal": ["${FindRole.Arn}"]}]"#;

#[test]
fn a_collection_has_an_endpoint_and_grants_access_to_roles() {
    let stack = with_resources(&template("texts", "SEARCH", "collection/texts", ACCESS)).resolve().unwrap();
    let (id, arn) = ("localtexts".to_owned(), "arn:aws:aoss:us-east-1:000000000000:collection/localtexts".to_owned());
    let expected = Collection { logical_id: "Texts".to_owned(), id, name: "texts".to_owned(), arn: arn.clone() };
    assert_eq!(stack.collections, [expected]);
    let role = "arn:aws:iam::000000000000:role/local-FindRole";
    let expected = DataAccess {
        principals: vec![role.to_owned()],
        permissions: vec!["aoss:ReadDocument".to_owned()],
        resources: vec!["index/texts/*".to_owned()],
    };
    assert_eq!(stack.data_access, [expected]);
    let environment = &stack.functions[0].environment;
    assert_eq!(stack.functions[0].role, "local-FindRole");
    for (name, value) in [("URL", "http://127.0.0.1:9200"), ("ARN", &arn), ("ID", "localtexts"), ("ROLE", role)] {
        assert_eq!(environment[name], value, "{name}");
    }
}

#[test]
fn what_is_not_supported_names_its_line() {
    let fault = |template: &str| with_resources(template).fault();
    let wrong = fault(&template("Texts", "SEARCH", "collection/texts", ACCESS));
    assert!(wrong.starts_with("template.yaml:15: `Texts` is no name of a collection"), "{wrong}");
    let wrong = fault(&template("texts", "VECTORSEARCH", "collection/texts", ACCESS));
    assert!(
        wrong.starts_with("template.yaml:15: `Type` `VECTORSEARCH` is not supported; supported: `SEARCH`"),
        "{wrong}"
    );
    let wrong = fault(&template("other", "SEARCH", "collection/*", ACCESS));
    assert!(
        wrong.contains(
            ":15: `collection/other` needs an `AWS::OpenSearchServerless::SecurityPolicy` of the type `encryption`"
        ),
        "{wrong}"
    );
    let wrong = fault(&template("texts", "SEARCH", "collection/other", ACCESS));
    assert!(wrong.contains("of the type `network`"), "{wrong}");
    let wrong = fault(&template("texts", "SEARCH", "collection/texts", &ACCESS.replace("ReadDocument", "ReadAll")));
    assert!(wrong.starts_with("template.yaml:33: the permission `aoss:ReadAll` is not supported"), "{wrong}");
    let wrong = fault(&template("texts", "SEARCH", "collection/texts", &ACCESS.replace("index/texts/*", "texts/*")));
    assert!(wrong.contains("`texts/*` is no resource of the type `index`"), "{wrong}");
    let wrong = fault(&template("texts", "SEARCH", "collection/texts", &ACCESS.replace("Principal", "Principals")));
    assert!(wrong.starts_with("template.yaml:33: the policy cannot be read: unknown field `Principals`"), "{wrong}");
    let second = "  More: { Type: AWS::OpenSearchServerless::Collection, Properties: { Name: more, Type: SEARCH } }\n";
    let wrong = fault(&(template("texts", "SEARCH", "collection/texts", ACCESS) + second));
    assert!(wrong.contains("one collection of OpenSearch Serverless is supported"), "{wrong}");
}
