//! The forms of a function's name: name, logical id, partial ARN and ARN, each with or without a qualifier.

use local_template::model::Function;

use super::error::ApiError;

/// The one version that there is.
pub(super) const LATEST: &str = "$LATEST";

/// A function as a caller names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// Of an ARN, what comes before the name: `arn:aws:lambda:<region>:<account>:function` or `<account>:function`.
    owner: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Takes `FunctionName` apart; `qualifier` is the request's `Qualifier`.
    pub(super) fn parse(text: &'a str, qualifier: Option<&'a str>) -> Result<Self, ApiError> {
        let (owner, rest) = match text.split_once(":function:") {
            Some((owner, rest)) => (Some(owner), rest),
            None => (None, text),
        };
        let (name, own) = match rest.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (rest, None),
        };
        if let (Some(own), Some(given)) = (own, qualifier)
            && own != given
        {
            return Err(ApiError::InvalidParameter(
                "The derived qualifier from the function name does not match the specified qualifier.".to_owned(),
            ));
        }
        Ok(Self { owner, name, qualifier: own.or(qualifier) })
    }

    /// The function that is meant. The name on AWS comes before the template's logical id, which AWS does not know.
    pub(super) fn find<'f>(&self, functions: &'f [Function]) -> Result<&'f Function, ApiError> {
        let mine = |function: &&Function| self.owner.is_none_or(|owner| owner_matches(&function.arn, owner));
        let by_name = functions.iter().filter(mine).find(|function| function.name == self.name);
        let found = by_name.or_else(|| functions.iter().filter(mine).find(|function| function.logical_id == self.name));
        match found {
            Some(function) if self.qualifier.is_none_or(|qualifier| qualifier == LATEST) => Ok(function),
            Some(function) => Err(self.not_found(&function.arn)),
            None => Err(self.not_found(&self.name_with_owner(functions))),
        }
    }

    /// Returns the ARN that policies have to name, whether there is such a function or not.
    pub(super) fn arn(&self, functions: &[Function]) -> String {
        let named = functions.iter().find(|function| function.name == self.name || function.logical_id == self.name);
        let arn = named.map_or_else(|| self.name_with_owner(functions), |function| function.arn.clone());
        self.qualified(&arn)
    }

    fn not_found(&self, arn: &str) -> ApiError {
        ApiError::NotFound(self.qualified(arn))
    }

    fn qualified(&self, arn: &str) -> String {
        match self.qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn.to_owned(),
        }
    }

    /// An ARN for the error's text, in this cloud's account where the caller names none.
    fn name_with_owner(&self, functions: &[Function]) -> String {
        let ours = functions.first().and_then(|function| Some(function.arn.rsplit_once(':')?.0));
        match (self.owner, ours) {
            (Some(owner), _) => format!("{owner}:function:{}", self.name),
            (None, Some(ours)) => format!("{ours}:{}", self.name),
            (None, None) => self.name.to_owned(),
        }
    }
}

/// Returns true if an ARN begins with this owner, or with one that ends in this account.
fn owner_matches(arn: &str, owner: &str) -> bool {
    let ours = arn.split_once(":function:").map_or(arn, |(ours, _)| ours);
    ours == owner || ours.rsplit(':').next() == Some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(text: &'a str, qualifier: Option<&'a str>) -> (Option<&'a str>, &'a str, Option<&'a str>) {
        let Reference { owner, name, qualifier } = Reference::parse(text, qualifier).unwrap();
        (owner, name, qualifier)
    }

    #[test]
    fn every_documented_form_is_read() {
        let owner = "arn:aws:lambda:us-east-1:000000000000";
        assert_eq!(parse("f", None), (None, "f", None));
        assert_eq!(parse("f:v1", None), (None, "f", Some("v1")));
        assert_eq!(parse("f", Some("v1")), (None, "f", Some("v1")));
        assert_eq!(parse("000000000000:function:f", None), (Some("000000000000"), "f", None));
        assert_eq!(parse(&format!("{owner}:function:f"), None), (Some(owner), "f", None));
        assert_eq!(parse(&format!("{owner}:function:f:v1"), Some("v1")), (Some(owner), "f", Some("v1")));
        assert!(Reference::parse("f:v1", Some("v2")).is_err());
    }

    #[test]
    fn an_owner_is_an_account_or_all_before_the_name() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        assert!(owner_matches(arn, "000000000000"));
        assert!(owner_matches(arn, "arn:aws:lambda:us-east-1:000000000000"));
        assert!(!owner_matches(arn, "arn:aws:lambda:eu-west-1:000000000000"));
        assert!(!owner_matches(arn, "111111111111"));
    }
}
