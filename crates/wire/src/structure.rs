//! The macros that declare structures: what an answer holds, and what a request carries.

use serde::ser::{Serialize, SerializeMap};

/// Declares the structures of answers. Each member is
///
/// - `required`: always there, and the model says so,
/// - `always` there, though the model does not promise it,
/// - `optional`, and left out when it is `None`, or
/// - left out unless it is `filled`: lists and maps that nobody iterates over unasked.
macro_rules! structures {
    ($(
        $(#[$doc:meta])*
        $name:ident {$(
            $(#[$member_doc:meta])*
            $field:ident: $shape:ident, $presence:ident $wire:literal;
        )*}
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq)]
            pub struct $name {
                $(
                    $(#[$member_doc])*
                    pub $field: crate::structure::output_type!($presence $shape),
                )*
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    use serde::ser::SerializeMap as _;
                    let object = serializer.serialize_map(None)?;
                    $(let object = crate::structure::$presence(object, $wire, &self.$field)?;)*
                    object.end()
                }
            }

            /// What the members hold is the users' own business and must not reach a log.
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(stringify!($name)).finish_non_exhaustive()
                }
            }

            impl crate::shape::Declared for $name {
                const SHAPE: crate::shape::Shape = crate::shape::Shape {
                    name: stringify!($name),
                    kind: crate::shape::ShapeKind::Structure(&[$(
                        crate::structure::body_member!($shape, $presence $wire),
                    )*]),
                };
                type Output = Self;
            }
        )*

        /// The description of every structure of this file's answers.
        pub(crate) static STRUCTURES: &[crate::shape::Shape] =
            &[$(<$name as crate::shape::Declared>::SHAPE),*];
    };
}

macro_rules! output_type {
    (required $shape:ident) => { <$shape as crate::shape::Declared>::Output };
    (always $shape:ident) => { <$shape as crate::shape::Declared>::Output };
    (filled $shape:ident) => { <$shape as crate::shape::Declared>::Output };
    (optional $shape:ident) => { Option<<$shape as crate::shape::Declared>::Output> };
}

/// Declares the structures that only requests hold: what each member is decoded to.
macro_rules! request_structures {
    ($(
        $(#[$doc:meta])*
        $name:ident {$(
            $(#[$member_doc:meta])*
            $field:ident: $shape:ident, $presence:ident $wire:literal;
        )*}
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq)]
            pub struct $name {
                $(
                    $(#[$member_doc])*
                    pub $field: crate::structure::input_type!($presence $shape),
                )*
            }

            /// What the members hold is the users' own business and must not reach a log.
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(stringify!($name)).finish_non_exhaustive()
                }
            }

            impl crate::shape::Declared for $name {
                const SHAPE: crate::shape::Shape = crate::shape::Shape {
                    name: stringify!($name),
                    kind: crate::shape::ShapeKind::Structure(&[$(
                        crate::structure::body_member!($shape, $presence $wire),
                    )*]),
                };
                type Output = ();
            }

            impl crate::shape::Decoded for $name {
                type Input = Self;

                fn from_text(_: &str, member: &str, out: &mut crate::Violations) -> Option<Self> {
                    out.add(member, "Member must be an object");
                    None
                }

                fn from_json(
                    value: &serde_json::Value,
                    member: &str,
                    out: &mut crate::Violations,
                ) -> Option<Self> {
                    let Some(object) = value.as_object() else {
                        out.add(member, "Member must be an object");
                        return None;
                    };
                    $(let $field = crate::structure::nested!(
                        $presence, $shape, object, $wire, member, out
                    );)*
                    Some(Self {$(
                        $field: crate::structure::nested_taken!($presence, $field),
                    )*})
                }
            }
        )*

        /// The description of every structure of this file's requests.
        pub(crate) static REQUEST_STRUCTURES: &[crate::shape::Shape] =
            &[$(<$name as crate::shape::Declared>::SHAPE),*];
    };
}

macro_rules! body_member {
    ($shape:ident, $presence:ident $wire:literal) => {
        crate::shape::Member {
            name: $wire,
            shape: <$shape as crate::shape::Declared>::SHAPE.name,
            location: crate::shape::Location::Body,
            location_name: None,
            required: crate::structure::is_required!($presence),
        }
    };
}

macro_rules! nested {
    (required, $shape:ident, $object:ident, $wire:literal, $member:ident, $out:ident) => {
        crate::request::required_from_object::<$shape>(
            $object,
            $wire,
            &format!("{}.{}", $member, $wire),
            $out,
        )
    };
    (optional, $shape:ident, $object:ident, $wire:literal, $member:ident, $out:ident) => {
        crate::request::from_object::<$shape>(
            $object,
            $wire,
            &format!("{}.{}", $member, $wire),
            $out,
        )
    };
}

macro_rules! nested_taken {
    (required, $field:ident) => {
        $field?
    };
    (optional, $field:ident) => {
        $field
    };
}

/// Declares the requests: the operation, its request, its answer if it has one, and where each
/// member travels. The header `Authentication`, which every request may carry, is described but
/// not decoded: it is gone before a request is read.
macro_rules! requests {
    ($(
        $operation:ident($name:ident) $(-> $response:ident)? {$(
            $(#[$member_doc:meta])*
            $field:ident: $shape:ident, $presence:ident $location:ident $wire:literal
            $(as $location_name:literal)?;
        )*}
    )*) => {
        $(
            #[doc = concat!("What [`", stringify!($operation), "`](crate::Operation::", stringify!($operation), ") is asked.")]
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                $(
                    $(#[$member_doc])*
                    pub $field: crate::structure::input_type!($presence $shape),
                )*
            }

            impl crate::request::Request for $name {
                const OPERATION: crate::Operation = crate::Operation::$operation;

                fn decode(input: &crate::Input<'_>) -> Result<Self, crate::Violations> {
                    let mut violations = crate::Violations::new();
                    // A request without members uses neither.
                    let _ = (input, &mut violations);
                    $(
                        let $field = crate::structure::read!(
                            $presence, $shape, $location, input, violations, $wire, $($location_name)?
                        );
                    )*
                    if !violations.is_empty() {
                        return Err(violations);
                    }
                    Ok(Self {$(
                        $field: crate::structure::taken!($presence, $field, violations),
                    )*})
                }
            }

            impl crate::shape::Declared for $name {
                const SHAPE: crate::shape::Shape = crate::shape::Shape {
                    name: stringify!($name),
                    kind: crate::shape::ShapeKind::Structure(crate::request::members(&[
                        crate::request::authentication(crate::Operation::$operation),
                        $(crate::shape::Member {
                            name: $wire,
                            shape: <$shape as crate::shape::Declared>::SHAPE.name,
                            location: crate::structure::location!($location),
                            location_name: crate::structure::location_name!(
                                $location $wire $($location_name)?
                            ),
                            required: crate::structure::is_required!($presence),
                        },)*
                    ], crate::Operation::$operation)),
                };
                type Output = ();
            }
        )*

        /// The description of every request of this file.
        pub(crate) static REQUESTS: &[crate::shape::Shape] =
            &[$(<$name as crate::shape::Declared>::SHAPE),*];

        /// The request and the answer of every operation of this file.
        pub(crate) static EXCHANGES: &[crate::Exchange] = &[$(
            crate::Exchange {
                operation: crate::Operation::$operation,
                request: stringify!($name),
                response: crate::structure::response_name!($($response)?),
            },
        )*];
    };
}

macro_rules! input_type {
    (required $shape:ident) => { <$shape as crate::shape::Decoded>::Input };
    (optional $shape:ident) => { Option<<$shape as crate::shape::Decoded>::Input> };
}

macro_rules! read {
    ($presence:ident, $shape:ident, uri, $input:ident, $out:ident, $wire:literal,) => {
        $input.path_member::<$shape>($wire, &mut $out)
    };
    (required, $shape:ident, body, $input:ident, $out:ident, $wire:literal,) => {
        $input.required_body_member::<$shape>($wire, &mut $out)
    };
    (optional, $shape:ident, body, $input:ident, $out:ident, $wire:literal,) => {
        $input.body_member::<$shape>($wire, &mut $out)
    };
    (required, $shape:ident, query, $input:ident, $out:ident, $wire:literal, $name:literal) => {
        $input.required_query_member::<$shape>($wire, $name, &mut $out)
    };
    (optional, $shape:ident, query, $input:ident, $out:ident, $wire:literal, $name:literal) => {
        $input.query_member::<$shape>($wire, $name, &mut $out)
    };
}

macro_rules! taken {
    (required, $field:ident, $violations:ident) => {
        match $field {
            Some(value) => value,
            None => return Err($violations),
        }
    };
    (optional, $field:ident, $violations:ident) => {
        $field
    };
}

macro_rules! location {
    (uri) => {
        crate::shape::Location::Uri
    };
    (query) => {
        crate::shape::Location::Query
    };
    (body) => {
        crate::shape::Location::Body
    };
}

macro_rules! location_name {
    (uri $wire:literal) => {
        Some($wire)
    };
    (query $wire:literal $name:literal) => {
        Some($name)
    };
    (body $wire:literal) => {
        None
    };
}

macro_rules! is_required {
    (required) => {
        true
    };
    (optional) => {
        false
    };
    (always) => {
        false
    };
    (filled) => {
        false
    };
}

macro_rules! response_name {
    () => {
        None
    };
    ($response:ident) => {
        Some(<$response as crate::shape::Declared>::SHAPE.name)
    };
}

pub(crate) use {
    body_member, input_type, is_required, location, location_name, nested, nested_taken,
    output_type, read, request_structures, requests, response_name, structures, taken,
};

pub(crate) use always as required;

/// Writes a member that is always there.
pub(crate) fn always<M: SerializeMap, T: Serialize>(
    mut object: M,
    name: &'static str,
    value: &T,
) -> Result<M, M::Error> {
    object.serialize_entry(name, value)?;
    Ok(object)
}

/// Writes a member if there is one.
#[expect(clippy::ref_option, reason = "the macro hands over every member in the same way")]
pub(crate) fn optional<M: SerializeMap, T: Serialize>(
    object: M,
    name: &'static str,
    value: &Option<T>,
) -> Result<M, M::Error> {
    match value {
        Some(value) => always(object, name, value),
        None => Ok(object),
    }
}

/// Writes a list or map if it holds something.
pub(crate) fn filled<M: SerializeMap, T: Serialize>(
    object: M,
    name: &'static str,
    value: &T,
) -> Result<M, M::Error>
where
    for<'a> &'a T: IntoIterator,
{
    if value.into_iter().next().is_none() {
        return Ok(object);
    }
    always(object, name, value)
}
