//! The resource type `AWS::SecretsManager::Secret`.

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::{GeneratedPassword, Secret, SecretContent};
use super::super::resource::Resource;
use super::super::scope::Scope;
use super::super::shape::Shape;

pub(super) const TYPE: &str = "AWS::SecretsManager::Secret";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &["GenerateSecretString", "Name", "SecretString"],
    ignored: &[
        (&["KmsKeyId"], "nothing is encrypted at rest"),
        (&["ReplicaRegions"], "there is one region"),
        (&["Description", "Tags", "Type"], "for people and bills"),
    ],
};

const GENERATE: Shape = Shape {
    place: "`GenerateSecretString`",
    supported: &[
        "ExcludeCharacters",
        "ExcludeLowercase",
        "ExcludeNumbers",
        "ExcludePunctuation",
        "ExcludeUppercase",
        "GenerateStringKey",
        "IncludeSpace",
        "PasswordLength",
        "SecretStringTemplate",
    ],
    ignored: &[(&["RequireEachIncludedType"], "a password of this length has each type almost always")],
};

/// The length of a password for which the template sets none.
const DEFAULT_LENGTH: usize = 32;

/// Characters after the name in an ARN, which Secrets Manager chooses. Here they are always the same.
const ARN_SUFFIX: &str = "-local0";

/// The characters of a class, and the key that excludes them.
const CLASSES: [(&str, &str); 4] = [
    ("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
    ("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("ExcludeNumbers", "0123456789"),
    ("ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
];

pub(super) fn arn(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    Ok(scope.arn("secretsmanager", &format!("secret:{}{ARN_SUFFIX}", resource.name(scope, "Name")?)))
}

/// Reads a secret, which has a value or generates one.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource) -> Result<Secret, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    let content = match (fields.text("SecretString")?, fields.object("GenerateSecretString", &GENERATE)?) {
        (Some(text), None) => SecretContent::Given(text),
        (None, Some(generate)) => SecretContent::Generated(generated(&generate)?),
        _ => {
            let sentence = format!("{TYPE} needs either `SecretString` or `GenerateSecretString`");
            return Err(Fault::invalid(fields.line("SecretString"), sentence));
        }
    };
    Ok(Secret {
        logical_id: resource.id.clone(),
        name: resource.name(scope, "Name")?,
        arn: arn(scope, resource)?,
        content,
    })
}

fn generated(fields: &Fields<'_>) -> Result<GeneratedPassword, Fault> {
    let excluded = fields.text("ExcludeCharacters")?.unwrap_or_default();
    let mut alphabet = Vec::new();
    for (exclude, characters) in CLASSES {
        if fields.boolean(exclude)? != Some(true) {
            alphabet.extend(characters.chars().filter(|character| !excluded.contains(*character)));
        }
    }
    if fields.boolean("IncludeSpace")? == Some(true) {
        alphabet.push(' ');
    }
    if alphabet.is_empty() {
        return Err(Fault::invalid(fields.line("ExcludeCharacters"), "no character is left for the password"));
    }
    let within = match (fields.text("SecretStringTemplate")?, fields.text("GenerateStringKey")?) {
        (Some(object), Some(key)) => {
            if !serde_json::from_str::<serde_json::Value>(&object).is_ok_and(|value| value.is_object()) {
                return Err(Fault::invalid(fields.line("SecretStringTemplate"), "a JSON object is expected"));
            }
            Some((object, key))
        }
        (None, None) => None,
        (None, _) => return Err(fields.missing("SecretStringTemplate")),
        (_, None) => return Err(fields.missing("GenerateStringKey")),
    };
    let length = fields.number("PasswordLength", 1..=4096)?.unwrap_or(DEFAULT_LENGTH);
    Ok(GeneratedPassword { within, length, alphabet })
}
