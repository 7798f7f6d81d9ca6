//! JSON in which each object has each name once: of two, one reader takes the first and one the last.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Refuses a text that has a name twice in one object, at any depth.
pub(super) fn refuse_repeated_names(json: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<Unique>(json).map(|Unique| ())
}

/// Any JSON value without repeated names.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Unique;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
        while list.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Unique, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            object.next_value::<Unique>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice in one object"));
            }
        }
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_once_in_each_object() {
        for json in ["{}", "null", r#"{"a":{"a":1},"b":[{"a":-1},{"a":1.5},true,"a"]}"#] {
            assert!(refuse_repeated_names(json).is_ok(), "{json}");
        }
        for json in
            [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#, r#"[{"b":{"c":[{"a":1,"a":2}]}}]"#]
        {
            assert!(refuse_repeated_names(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_policy_with_two_effects_is_none() {
        let policy = r#"{"Version":"2012-10-17","Statement":
            {"Effect":"Deny","Effect":"Allow","Action":"workdocs:*","Resource":"*"}}"#;
        assert!(crate::Policy::parse(policy).is_err());
    }
}
