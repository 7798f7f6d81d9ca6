//! Lists and maps: the macros that declare them, and how requests carry them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shape::{Bounds, Decoded, Shape, ShapeKind};
use crate::violation::{NOT_NULL, Violations};

/// A list is read no further than to this many mistakes in the request: a body of one mebibyte
/// has room for enough of them to make the answer many times as long.
const MISTAKES_MAX: usize = 100;

/// Declares the lists and maps. An answer holds a list as a `Vec`, a map as a
/// `BTreeMap`, so that equal answers are equal bytes.
macro_rules! collections {
    ($(
        $(#[$doc:meta])*
        $kind:ident $name:ident of $key:ident $(to $value:ident)?, [$($min:literal)?] [$($max:literal)?];
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl crate::shape::Declared for $name {
                const SHAPE: crate::shape::Shape = crate::shape::Shape {
                    name: stringify!($name),
                    kind: crate::collection::collection_kind!(
                        $kind $key $($value)?,
                        crate::shape::Bounds {
                            min: crate::collection::bound!($($min)?),
                            max: crate::collection::bound!($($max)?),
                        }
                    ),
                };
                type Output = crate::collection::collection_type!($kind $key $($value)?);
            }
        )*

        /// The description of every list and map of this file's answers.
        pub(crate) static COLLECTIONS: &[crate::shape::Shape] =
            &[$(<$name as crate::shape::Declared>::SHAPE),*];
    };
}

macro_rules! collection_kind {
    (list $member:ident, $bounds:expr) => {
        crate::shape::ShapeKind::List {
            member: <$member as crate::shape::Declared>::SHAPE.name,
            bounds: $bounds,
        }
    };
    (map $key:ident $value:ident, $bounds:expr) => {
        crate::shape::ShapeKind::Map {
            key: <$key as crate::shape::Declared>::SHAPE.name,
            value: <$value as crate::shape::Declared>::SHAPE.name,
            bounds: $bounds,
        }
    };
}

macro_rules! collection_type {
    (list $member:ident) => { Vec<<$member as crate::shape::Declared>::Output> };
    (map $key:ident $value:ident) => {
        std::collections::BTreeMap<
            <$key as crate::shape::Declared>::Output,
            <$value as crate::shape::Declared>::Output,
        >
    };
}

macro_rules! bound {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

/// Declares which lists and maps requests carry too, in the body or by repeating a parameter.
macro_rules! decoded_collections {
    ($($kind:ident $name:ident of $key:ident $(to $value:ident)?;)*) => {
        $(
            impl crate::shape::Decoded for $name {
                type Input = crate::collection::collection_input!($kind $key $($value)?);

                fn from_text(
                    text: &str,
                    member: &str,
                    out: &mut crate::Violations,
                ) -> Option<Self::Input> {
                    Self::from_texts(&[text], member, out)
                }

                crate::collection::decode!($kind $key $($value)?);
            }
        )*
    };
}

macro_rules! collection_input {
    (list $member:ident) => { Vec<<$member as crate::shape::Decoded>::Input> };
    (map $key:ident $value:ident) => {
        std::collections::BTreeMap<
            <$key as crate::shape::Decoded>::Input,
            <$value as crate::shape::Decoded>::Input,
        >
    };
}

macro_rules! decode {
    (list $member:ident) => {
        fn from_texts(
            texts: &[&str],
            member: &str,
            out: &mut crate::Violations,
        ) -> Option<Self::Input> {
            crate::collection::list_from_texts::<$member>(
                texts,
                &<Self as crate::shape::Declared>::SHAPE,
                member,
                out,
            )
        }

        fn from_json(
            value: &serde_json::Value,
            member: &str,
            out: &mut crate::Violations,
        ) -> Option<Self::Input> {
            crate::collection::list_from_json::<$member>(
                value,
                &<Self as crate::shape::Declared>::SHAPE,
                member,
                out,
            )
        }
    };
    (map $key:ident $value:ident) => {
        fn from_texts(
            _: &[&str],
            member: &str,
            out: &mut crate::Violations,
        ) -> Option<Self::Input> {
            out.add(member, "Member must be an object");
            None
        }

        fn from_json(
            value: &serde_json::Value,
            member: &str,
            out: &mut crate::Violations,
        ) -> Option<Self::Input> {
            crate::collection::map_from_json::<$key, $value>(
                value,
                &<Self as crate::shape::Declared>::SHAPE,
                member,
                out,
            )
        }
    };
}

pub(crate) use {
    bound, collection_input, collection_kind, collection_type, collections, decode,
    decoded_collections,
};

/// Reads the list that a repeated parameter of a query string is.
pub(crate) fn list_from_texts<S: Decoded>(
    texts: &[&str],
    shape: &Shape,
    member: &str,
    out: &mut Violations,
) -> Option<Vec<S::Input>> {
    let is_bounded = check_count(shape, texts.len(), member, out);
    let list = read_each(texts, member, out, |text, item, out| S::from_text(text, item, out));
    list.filter(|_| is_bounded)
}

/// Reads a JSON array.
pub(crate) fn list_from_json<S: Decoded>(
    value: &Value,
    shape: &Shape,
    member: &str,
    out: &mut Violations,
) -> Option<Vec<S::Input>> {
    let Some(values) = value.as_array() else {
        out.add(member, "Member must be a list");
        return None;
    };
    let is_bounded = check_count(shape, values.len(), member, out);
    let list = read_each(values, member, out, |value, item, out| {
        if value.is_null() {
            out.add(item, NOT_NULL);
            return None;
        }
        S::from_json(value, item, out)
    });
    list.filter(|_| is_bounded)
}

/// Reads a JSON object whose members the users name.
pub(crate) fn map_from_json<K, V>(
    value: &Value,
    shape: &Shape,
    member: &str,
    out: &mut Violations,
) -> Option<BTreeMap<K::Input, V::Input>>
where
    K: Decoded<Input: Ord>,
    V: Decoded,
{
    let Some(entries) = value.as_object() else {
        out.add(member, "Member must be an object");
        return None;
    };
    let is_bounded = check_count(shape, entries.len(), member, out);
    let mut map = BTreeMap::new();
    let (mut key_violations, mut value_violations) = (Violations::new(), Violations::new());
    for (key, value) in entries {
        let key = K::from_text(key, member, &mut key_violations);
        let value = if value.is_null() {
            value_violations.add(member, NOT_NULL);
            None
        } else {
            V::from_json(value, member, &mut value_violations)
        };
        map.extend(key.zip(value));
    }
    let is_valid = key_violations.is_empty() && value_violations.is_empty();
    add_entries("Map keys", &key_violations, member, out);
    add_entries("Map value", &value_violations, member, out);
    (is_bounded && is_valid).then_some(map)
}

/// Reads every item, and names what is wrong with each by its place, counted from one.
fn read_each<T, R>(
    items: &[T],
    member: &str,
    out: &mut Violations,
    read: impl Fn(&T, &str, &mut Violations) -> Option<R>,
) -> Option<Vec<R>> {
    let mut list = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        if out.len() >= MISTAKES_MAX {
            return None;
        }
        list.extend(read(item, &format!("{member}.{}.member", at + 1), out));
    }
    (list.len() == items.len()).then_some(list)
}

/// Adds what is wrong with a map's keys or values, each constraint once: an entry has no name to
/// tell it from the others by but its key, which must not be echoed.
fn add_entries(what: &str, violations: &Violations, member: &str, out: &mut Violations) {
    let mut constraints: Vec<&str> = Vec::new();
    for violation in violations {
        if !constraints.contains(&violation.constraint.as_ref()) {
            constraints.push(&violation.constraint);
        }
    }
    if !constraints.is_empty() {
        out.add(member, format!("{what} must satisfy constraint: [{}]", constraints.join(", ")));
    }
}

/// Holds the number of items or entries to the model's bounds.
fn check_count(shape: &Shape, count: usize, member: &str, out: &mut Violations) -> bool {
    let bounds = if let ShapeKind::List { bounds, .. } | ShapeKind::Map { bounds, .. } = shape.kind
    {
        bounds
    } else {
        Bounds::NONE
    };
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let least = bounds.min.filter(|min| count < *min);
    if let Some(min) = least {
        out.add(member, format!("Member must have length greater than or equal to {min}"));
    }
    let greatest = bounds.max.filter(|max| *max < count);
    if let Some(max) = greatest {
        out.add(member, format!("Member must have length less than or equal to {max}"));
    }
    least.is_none() && greatest.is_none()
}
