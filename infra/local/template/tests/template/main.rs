//! Templates that are read, and templates that are refused.

mod api_gateway_v2;
mod capacity;
mod collections;
mod custom_resources;
mod events;
mod faults;
mod intrinsics;
mod policies;
mod resources;
mod route_settings;
mod schedule_groups;

use std::collections::BTreeMap;
use std::path::PathBuf;

use local_template::model::Stack;
use local_template::{Addresses, Template, TemplateError};
use tempfile::TempDir;

/// A template in a folder of its own, which also has the folder `code`.
struct Sample {
    folder: TempDir,
}

impl Sample {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("code")).unwrap();
        std::fs::write(folder.path().join("template.yaml"), text).unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("template.yaml")
    }

    fn read(&self) -> Result<Template, TemplateError> {
        Template::read(&self.file())
    }

    fn resolve_with(&self, parameters: &[(&str, &str)]) -> Result<Stack, TemplateError> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let parameters: BTreeMap<_, _> = parameters.iter().map(owned).collect();
        self.read()?.resolve(&addresses(), &parameters)
    }

    fn resolve(&self) -> Result<Stack, TemplateError> {
        self.resolve_with(&[])
    }

    /// The error without the folder: `template.yaml:<line>: <sentence>`.
    fn fault(&self) -> String {
        let fault = self.resolve().expect_err("the template has a fault").to_string();
        fault.strip_prefix(&format!("{}/", self.folder.path().display())).unwrap_or(&fault).to_owned()
    }
}

fn addresses() -> Addresses {
    Addresses {
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        stack: "local".to_owned(),
        sqs: "127.0.0.1:9324".parse().unwrap(),
        opensearch: "127.0.0.1:9200".parse().unwrap(),
        apis: [("Http", "3000"), ("Ws", "3001"), ("ServerlessHttpApi", "3002"), ("Second", "3003")]
            .map(|(id, port)| (id, format!("127.0.0.1:{port}")))
            .map(|(id, address)| (id.to_owned(), address.parse().unwrap()))
            .into(),
    }
}

/// A template with these resources. `Resources:` is on line 2, so the first of them on line 3.
fn with_resources(resources: &str) -> Sample {
    Sample::new(&format!("Transform: AWS::Serverless-2016-10-31\nResources:\n{resources}"))
}

/// A function `F` whose environment has the variable `V` with this value, on line 13.
fn with_variable(value: &str) -> Sample {
    with_resources(&format!(
        "  F:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: rust-cargolambda
      BuildProperties: {{ Binary: f }}
    Properties:
      CodeUri: code
      Runtime: provided.al2023
      Environment:
        Variables:
          V: {value}
"
    ))
}

/// The value of the variable `V`.
fn value_of(sample: &Sample) -> String {
    sample.resolve().unwrap().functions[0].environment["V"].clone()
}
