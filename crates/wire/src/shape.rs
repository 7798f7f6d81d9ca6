//! How a shape of the protocol is described, and the link between a shape and its Rust types.

use serde::Serialize;
use serde_json::Value;

use crate::Violations;

/// A shape of the service model, as this crate implements it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The name in the model.
    pub name: &'static str,
    /// What the values are.
    pub kind: ShapeKind,
}

/// What the values of a shape are. Bounds that are absent do not exist in the model either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeKind {
    /// An object with named members.
    Structure(&'static [Member]),
    /// Values in an order.
    List {
        /// The shape of each value.
        member: &'static str,
        /// The least and the greatest number of values.
        bounds: Bounds,
    },
    /// Values under distinct keys.
    Map {
        /// The shape of each key.
        key: &'static str,
        /// The shape of each value.
        value: &'static str,
        /// The least and the greatest number of entries.
        bounds: Bounds,
    },
    /// Text.
    Text {
        /// The least and the greatest length.
        bounds: Bounds,
        /// The regular expression that the whole text has to match.
        pattern: Option<&'static str>,
        /// Whether the text must not reach a log.
        sensitive: bool,
    },
    /// One of a closed list of words.
    Enumeration(&'static [&'static str]),
    /// A whole number of 32 bits.
    Integer(Bounds),
    /// A whole number of 64 bits.
    Long(Bounds),
    /// True or false.
    Boolean,
    /// A moment.
    Timestamp,
}

/// The least and the greatest value, length or count, both inclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The least one.
    pub min: Option<i64>,
    /// The greatest one.
    pub max: Option<i64>,
}

impl Bounds {
    /// No bounds.
    pub const NONE: Self = Self { min: None, max: None };
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name in the model, and in a JSON object.
    pub name: &'static str,
    /// The name of its shape.
    pub shape: &'static str,
    /// Where a request carries it.
    pub location: Location,
    /// The name it has there, where that is not the JSON object.
    pub location_name: Option<&'static str>,
    /// Whether a request without it breaks the model.
    pub required: bool,
}

/// Where a request carries a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the JSON object.
    Body,
    /// In the path.
    Uri,
    /// In the query string.
    Query,
    /// In a header.
    Header,
}

/// A Rust type that stands for a shape.
pub trait Declared {
    /// The shape's description.
    const SHAPE: Shape;
    /// What an answer holds for a member of this shape.
    type Output: Serialize + Clone + PartialEq;
}

/// A shape that a request may carry.
pub trait Decoded: Declared {
    /// What a decoded request holds for a member of this shape.
    type Input;

    /// Reads the text of a path or query parameter, or adds what is wrong with it.
    fn from_text(text: &str, member: &str, violations: &mut Violations) -> Option<Self::Input>;

    /// Reads what a query string says each time it names the parameter, at least once. Only a
    /// list may be given more than once.
    fn from_texts(
        texts: &[&str],
        member: &str,
        violations: &mut Violations,
    ) -> Option<Self::Input> {
        if let [text] = texts {
            return Self::from_text(text, member, violations);
        }
        violations.add(member, "Member must not be given more than once");
        None
    }

    /// Reads a JSON value that is not null, or adds what is wrong with it.
    fn from_json(value: &Value, member: &str, violations: &mut Violations) -> Option<Self::Input>;
}
