//! Whole numbers and truth values of the protocol.

use serde_json::Value;

use crate::shape::{Bounds, Declared, Decoded, Shape, ShapeKind};
use crate::violation::Violations;

/// Declares the whole numbers: name, width, the model's bounds, and what is accepted.
macro_rules! numbers {
    ($(
        $(#[$doc:meta])*
        $name:ident $width:ident [$($min:literal)?] [$($max:literal)?] accepts $least:expr, $greatest:expr;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(i64);

            impl $name {
                /// The number.
                pub const fn get(self) -> i64 {
                    self.0
                }
            }

            impl Declared for $name {
                const SHAPE: Shape = Shape {
                    name: stringify!($name),
                    kind: ShapeKind::$width(Bounds {
                        min: optional!($($min)?),
                        max: optional!($($max)?),
                    }),
                };
                type Output = i64;
            }

            impl Decoded for $name {
                type Input = Self;

                fn from_text(text: &str, member: &str, out: &mut Violations) -> Option<Self> {
                    within(parse(text), $least, $greatest, member, out).map(Self)
                }

                fn from_json(value: &Value, member: &str, out: &mut Violations) -> Option<Self> {
                    within(value.as_i64(), $least, $greatest, member, out).map(Self)
                }
            }
        )*

        /// The description of every number, and of the truth values.
        pub(crate) static SHAPES: &[Shape] =
            &[$(<$name as Declared>::SHAPE,)* <BooleanType as Declared>::SHAPE];
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

numbers! {
    /// The greatest number of items an answer may hold.
    LimitType Integer [1] [999] accepts 1, 999;
    /// A number the model says nothing of.
    LongType Long [] [] accepts i64::MIN, i64::MAX;
    /// A count of items an answer may hold that the model does not bound.
    PositiveIntegerType Integer [1] [] accepts 1, i64::MAX;
    /// A size in bytes that is not negative.
    PositiveSizeType Long [0] [] accepts 0, i64::MAX;
    /// The greatest number of items a search may answer.
    SearchResultsLimitType Integer [1] [100] accepts 1, 100;
    /// A size in bytes. The model sets no bound, but a negative size means nothing.
    SizeType Long [] [] accepts 0, i64::MAX;
}

/// True or false. A request and an answer hold it as a `bool`.
#[derive(Clone, Copy, Debug)]
pub enum BooleanType {}

impl Declared for BooleanType {
    const SHAPE: Shape = Shape { name: "BooleanType", kind: ShapeKind::Boolean };
    type Output = bool;
}

impl Decoded for BooleanType {
    type Input = bool;

    fn from_text(text: &str, member: &str, out: &mut Violations) -> Option<bool> {
        match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                out.add(member, "Member must be true or false");
                None
            }
        }
    }

    fn from_json(value: &Value, member: &str, out: &mut Violations) -> Option<bool> {
        if value.as_bool().is_none() {
            out.add(member, "Member must be true or false");
        }
        value.as_bool()
    }
}

/// Reads a number as SDKs write it: digits, a minus sign before them at most.
fn parse(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    // The parser also takes a plus sign and leading zeros, which no SDK writes.
    (number.to_string() == text).then_some(number)
}

fn within(
    number: Option<i64>,
    least: i64,
    greatest: i64,
    member: &str,
    out: &mut Violations,
) -> Option<i64> {
    let Some(number) = number else {
        out.add(member, "Member must be an integer");
        return None;
    };
    if number < least {
        out.add(member, format!("Member must have value greater than or equal to {least}"));
        return None;
    }
    if greatest < number {
        out.add(member, format!("Member must have value less than or equal to {greatest}"));
        return None;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text<T: Decoded>(text: &str) -> Result<T::Input, String> {
        let mut out = Violations::new();
        T::from_text(text, "M", &mut out).ok_or_else(|| out.message())
    }

    fn json<T: Decoded>(value: &Value) -> Result<T::Input, String> {
        let mut out = Violations::new();
        T::from_json(value, "M", &mut out).ok_or_else(|| out.message())
    }

    #[test]
    fn a_limit_is_held_to_its_bounds() {
        for (given, is_valid) in
            [("0", false), ("1", true), ("2", true), ("998", true), ("999", true), ("1000", false)]
        {
            assert_eq!(text::<LimitType>(given).is_ok(), is_valid, "{given}");
        }
        assert_eq!(text::<LimitType>("24").map(LimitType::get), Ok(24));
    }

    #[test]
    fn a_size_is_not_negative() {
        for number in [-1, i64::MIN] {
            assert!(json::<SizeType>(&json!(number)).is_err());
            assert!(json::<PositiveSizeType>(&json!(number)).is_err());
        }
        for number in [0, 1, i64::MAX] {
            assert_eq!(json::<SizeType>(&json!(number)).map(SizeType::get), Ok(number));
            assert_eq!(
                json::<PositiveSizeType>(&json!(number)).map(PositiveSizeType::get),
                Ok(number)
            );
        }
    }

    #[test]
    fn what_is_not_a_whole_number_is_refused() {
        for given in ["", "+1", "01", "1.0", "1e2", " 1", "0x1", "-", "9223372036854775808"] {
            assert!(
                text::<LimitType>(given).unwrap_err().contains("must be an integer"),
                "{given}"
            );
        }
        for given in [json!("1"), json!(1.5), json!(true), json!([1]), json!(u64::MAX)] {
            assert!(json::<SizeType>(&given).unwrap_err().contains("must be an integer"));
        }
    }

    #[test]
    fn a_truth_value_is_spelled_out() {
        assert_eq!(text::<BooleanType>("true"), Ok(true));
        assert_eq!(text::<BooleanType>("false"), Ok(false));
        for given in ["", "True", "1", "yes"] {
            assert!(text::<BooleanType>(given).is_err(), "{given}");
        }
        assert_eq!(json::<BooleanType>(&json!(true)), Ok(true));
        assert!(json::<BooleanType>(&json!("true")).is_err());
    }
}
