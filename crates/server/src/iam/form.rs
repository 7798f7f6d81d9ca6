//! The parameters of a request of the query protocol.

use std::collections::BTreeMap;

use super::failure::Failure;
use crate::form;

/// The longest parameter that is no document, as AWS has it for the longest of them. Names are held
/// against the wildcards of policies, which takes time that grows with both.
const PARAMETER_MAX_BYTES: usize = 1_224;

/// Parameters that are texts rather than names, which their operations bound themselves.
const TEXTS: [&str; 4] = ["PolicyDocument", "AssumeRolePolicyDocument", "Policy", "Description"];

/// Parameters by name; each is there once.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a body of `application/x-www-form-urlencoded`.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form::decode(body).ok_or_else(not_a_form)? {
            // Two values would have two readings.
            if parameters.contains_key(&name) {
                return Err(Failure::invalid(format!("{name} is there twice; send it once.")));
            }
            parameters.insert(name, value);
        }
        Ok(Self(parameters))
    }

    /// The text of a parameter; an empty one is as good as none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The text of a parameter that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Failure::invalid(format!("{name} is missing.")))
    }

    /// The number of a parameter.
    pub(super) fn number(&self, name: &str, otherwise: i64) -> Result<i64, Failure> {
        let Some(text) = self.get(name) else { return Ok(otherwise) };
        text.parse().map_err(|_| Failure::invalid(format!("{name} must be a whole number.")))
    }

    /// Refuses what the operation does not know: a limit that is not understood must not be lost.
    pub(super) fn allow_only(&self, known: &[&str]) -> Result<(), Failure> {
        let is_known = |name: &String| {
            ["Action", "Version"].contains(&name.as_str()) || known.contains(&name.as_str())
        };
        let is_long = |(name, text): &(&String, &String)| {
            PARAMETER_MAX_BYTES < text.len() && !TEXTS.contains(&name.as_str())
        };
        match self.0.keys().find(|name| !is_known(name)) {
            None => match self.0.iter().find(is_long) {
                None => Ok(()),
                Some((name, _)) => Err(Failure::invalid(format!("{name} is too long."))),
            },
            Some(name) => Err(Failure::invalid(format!(
                "{} is not supported here; leave it out.",
                name.split('.').next().unwrap_or_default()
            ))),
        }
    }
}

fn not_a_form() -> Failure {
    Failure::invalid("The body must be a form in UTF-8: Action=…&Version=….")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_and_says_everything_once() {
        let form = Form::parse(b"Action=GetUser&UserName=a%2Bb+c&Empty=&Max=7").unwrap();
        assert_eq!(form.need("UserName").ok(), Some("a+b c"));
        assert!(form.need("Empty").is_err());
        assert!(form.need("Missing").is_err());
        assert_eq!(form.number("Max", 1).ok(), Some(7));
        assert_eq!(form.number("Other", 1).ok(), Some(1));
        assert!(form.number("UserName", 1).is_err());
        assert!(form.allow_only(&["UserName", "Empty", "Max"]).is_ok());
        assert!(form.allow_only(&["UserName", "Empty"]).is_err());
        assert!(Form::parse(b"A=1&A=2").is_err());
        assert!(Form::parse(b"A=%ff").is_err());
        assert!(Form::parse(b"\xff").is_err());
    }
}
