//! Collects the schemas of types under their names, and says of each what the protocol says of all.

mod tidy;

use domain::ErrorCode;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Place of named schemas in a document.
const NAMED: &str = "#/components/schemas/";

/// The schemas of one document. A type has one schema, whether clients send it or receive it.
#[derive(Debug)]
pub struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
                settings.transforms.clear();
            })
        };
        Self {
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }
}

impl Schemas {
    /// Returns the schema of what clients send.
    pub fn request<T: JsonSchema>(&mut self) -> Value {
        tidy::request(self.requests.subschema_for::<T>().into())
    }

    /// Returns the schema of what clients receive.
    pub fn answer<T: JsonSchema>(&mut self) -> Value {
        tidy::answer(self.answers.subschema_for::<T>().into())
    }

    /// Returns the parameters of a query: name, schema, and true for those that are required.
    ///
    /// # Panics
    ///
    /// If the type is not an object.
    pub fn query<T: JsonSchema>(&mut self) -> Vec<(String, Value, bool)> {
        self.request::<T>();
        let name = T::schema_name();
        let mut query = self.requests.definitions_mut().remove(name.as_ref()).expect("a query is a struct");
        tidy::answer_in_place(&mut query);
        let required: Vec<&str> = strings(&query["required"]);
        let properties = query["properties"].as_object().expect("a query has fields");
        let parameter = |(name, schema): (&String, &Value)| {
            (name.clone(), tidy::answer(schema.clone()), required.contains(&name.as_str()))
        };
        properties.iter().map(parameter).collect()
    }

    /// Returns the schema of each variant of a type that clients receive, with the fields that all of them have.
    ///
    /// # Panics
    ///
    /// If nobody has asked for the type, or it has no variants.
    pub fn variants(&self, name: &str) -> Vec<Value> {
        let schema = tidy::answer(self.answers.definitions()[name].clone());
        let variants = schema["oneOf"].as_array().expect("a type with variants");
        let with_common = |variant: &Value| {
            let mut variant = variant.clone();
            if let (Some(own), Some(common)) = (variant["properties"].as_object_mut(), schema["properties"].as_object())
            {
                own.extend(common.clone());
            }
            variant
        };
        variants.iter().map(with_common).collect()
    }

    /// Returns all schemas that were asked for, and those that they name.
    ///
    /// # Panics
    ///
    /// If two types have one name, or one is sent in another form than it is received.
    pub fn named(mut self) -> Map<String, Value> {
        let mut named = Map::new();
        let requests = self.requests.take_definitions(false).into_iter().map(|(name, it)| (name, tidy::request(it)));
        let answers = self.answers.take_definitions(false).into_iter().map(|(name, it)| (name, tidy::answer(it)));
        for (name, schema) in requests.chain(answers) {
            if let Some(other) = named.insert(name.clone(), schema) {
                assert_eq!(other, named[&name], "`{name}` is sent in another form than it is received");
            }
        }
        named
    }
}

/// Returns a reference to a named schema.
pub(crate) fn named(name: &str) -> Value {
    json!({ "$ref": format!("{NAMED}{name}") })
}

/// Returns every error code.
///
/// # Panics
///
/// If the schema of the codes has another form than an `enum`.
pub fn codes() -> Vec<ErrorCode> {
    let mut schemas = Schemas::default();
    schemas.answer::<ErrorCode>();
    let named = schemas.named();
    let codes = named["ErrorCode"]["enum"].as_array().expect("an enum").iter();
    codes.map(|code| serde_json::from_value(code.clone()).expect("a code")).collect()
}

/// Returns the texts of an array; none if it is no array.
pub(crate) fn strings(array: &Value) -> Vec<&str> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
