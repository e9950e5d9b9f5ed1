//! Values that `GenerateSecretString` makes.

use local_template::model::GeneratedPassword;
use serde_json::Value;

/// Makes a random password, within the object of the template if there is one.
pub(crate) fn value(password: &GeneratedPassword) -> String {
    let characters = (0..password.length).map(|_| password.alphabet[rand::random_range(0..password.alphabet.len())]);
    let text: String = characters.collect();
    let Some((object, key)) = &password.within else { return text };
    // The template was checked for an object.
    let mut object: Value = serde_json::from_str(object).unwrap_or_default();
    object[key] = Value::String(text);
    object.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_its_length_and_characters_beside_the_keys_of_the_object() {
        let within = Some(("{\"username\": \"app\"}".to_owned(), "password".to_owned()));
        let password = GeneratedPassword { within, length: 40, alphabet: vec!['a', 'b'] };
        let value: Value = serde_json::from_str(&super::value(&password)).unwrap();
        assert_eq!(value["username"], "app");
        let text = value["password"].as_str().unwrap();
        assert!(text.len() == 40 && text.chars().all(|character| "ab".contains(character)), "{text}");
        assert_ne!(super::value(&password), super::value(&password));
    }
}
