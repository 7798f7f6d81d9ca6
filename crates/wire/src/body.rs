//! Reading a body: one JSON object, no deeper than a bound, no member twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};

/// How many objects and arrays may lie in each other.
pub const DEPTH_MAX: usize = 32;

/// A body that is not the JSON object it has to be. The text never holds anything of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyError {
    message: String,
}

impl BodyError {
    /// What is wrong and where, for a person.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BodyError {}

/// Reads a body; an empty one is the same as an empty object.
pub fn parse_body(bytes: &[u8]) -> Result<Map<String, Value>, BodyError> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| BodyError {
        message: format!("The body is not valid UTF-8 at byte {}.", error.valid_up_to()),
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Node { depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| refuse(&error))?;
    match value {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(BodyError { message: "The body must be a JSON object.".to_owned() })
        }
    }
}

fn refuse(error: &serde_json::Error) -> BodyError {
    // Errors of these categories name what the parser expected, never what it read.
    let message = match error.classify() {
        Category::Syntax | Category::Eof => format!("The body is not valid JSON: {error}."),
        Category::Data => format!("The body is refused: {error}."),
        Category::Io => "The body could not be read.".to_owned(),
    };
    BodyError { message }
}

/// A value that lies in `depth` objects and arrays.
#[derive(Clone, Copy)]
struct Node {
    depth: usize,
}

impl Node {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom(format_args!("it is more than {DEPTH_MAX} levels deep")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom("an object has the same member twice"));
            }
            object.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        parse_body(bytes).unwrap_err().message().to_owned()
    }

    #[test]
    fn nothing_and_an_empty_object_are_the_same() {
        assert_eq!(parse_body(b""), Ok(Map::new()));
        assert_eq!(parse_body(b" {} "), Ok(Map::new()));
    }

    #[test]
    fn an_object_is_read_as_it_stands() {
        let body = r#"{"a":[1,-2,3.5,true,null,"\u00e9😀"],"b":{"c":18446744073709551615}}"#;
        let expected: Value = serde_json::from_str(body).unwrap();
        assert_eq!(parse_body(body.as_bytes()).map(Value::Object), Ok(expected));
    }

    #[test]
    fn only_an_object_is_a_body() {
        for body in ["null", "true", "1", "\"secret\"", "[]", "[{}]"] {
            assert_eq!(refusal(body.as_bytes()), "The body must be a JSON object.", "{body}");
        }
    }

    #[test]
    fn a_member_may_not_stand_twice_at_any_depth() {
        let text = "The body is refused: an object has the same member twice";
        assert!(refusal(br#"{"secret":1,"secret":1}"#).starts_with(text));
        assert!(refusal(br#"{"a":[{"secret":1,"s\u0065cret":2}]}"#).starts_with(text));
        assert!(parse_body(br#"{"a":{"a":{"A":1}}}"#).is_ok());
    }

    #[test]
    fn a_body_is_at_most_32_levels_deep() {
        let nested = |levels: usize| {
            format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(parse_body(nested(31).as_bytes()).is_ok());
        assert!(parse_body(nested(32).as_bytes()).is_ok());
        assert!(refusal(nested(33).as_bytes()).contains("more than 32 levels deep"));
        assert!(refusal(nested(100_000).as_bytes()).contains("more than 32 levels deep"));
        assert!(parse_body(&b"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn a_refusal_says_where_and_echoes_nothing() {
        assert_eq!(refusal(b"{\"a\":\"\xff\"}"), "The body is not valid UTF-8 at byte 6.");
        for body in [
            "{\"secret\":",
            "{\"secret\" 1}",
            "{secret:1}",
            "secret",
            "{}secret",
            "{\"a\":\"\\secret\"}",
            "{\"a\":\"\\ud800secret\"}",
            "{\"a\":\"secret\u{1}\"}",
            "{\"a\":1e999}",
            "{\"a\":NaN}",
            "{\"a\":01}",
            "{\"a\":1,}",
            "\u{feff}{}",
            " ",
        ] {
            let message = refusal(body.as_bytes());
            assert!(message.contains("line 1 column "), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn what_is_read_can_be_written_back() {
        let body = json!({"Name": "plan", "StorageRule": {"StorageType": "QUOTA"}, "n": 0.25});
        let read = parse_body(body.to_string().as_bytes()).map(Value::Object);
        assert_eq!(read, Ok(body));
    }
}
