//! Reading a request out of its path, its query string and its body, all mistakes at once.

use serde_json::{Map, Value};

use crate::shape::{Declared as _, Decoded, Location, Member};
use crate::text::AuthenticationHeaderType;
use crate::violation::NOT_NULL;
use crate::{Operation, Violations};

/// Where a request's members come from. Members that the model does not know are ignored.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The path's members by their names in the path, percent-decoded.
    pub path: &'a [(String, String)],
    /// The query string's parameters in their order, percent-decoded.
    pub query: &'a [(String, String)],
    /// The body's members, if there is a body.
    pub body: Option<&'a Map<String, Value>>,
}

/// Names how much there is and none of it: queries and bodies hold what must not reach a log.
impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("path", &self.path.len())
            .field("query", &self.query.len())
            .field("body", &self.body.map(Map::len))
            .finish()
    }
}

/// What an operation is asked.
pub trait Request: Sized {
    /// The operation.
    const OPERATION: Operation;

    /// Reads the request, or says everything that breaks the model.
    fn decode(input: &Input<'_>) -> Result<Self, Violations>;
}

/// The member that every request may carry, and that is used before a request is decoded. Two are
/// about nobody without it.
pub(crate) const fn authentication(operation: Operation) -> Member {
    Member {
        name: "AuthenticationToken",
        shape: AuthenticationHeaderType::SHAPE.name,
        location: Location::Header,
        location_name: Some("Authentication"),
        required: matches!(operation, Operation::DescribeRootFolders | Operation::GetCurrentUser),
    }
}

/// The members of a request as the model has them: the model knows the first of all of them, the token,
/// for every operation but three, which take it in its header all the same.
pub(crate) const fn members(all: &'static [Member], operation: Operation) -> &'static [Member] {
    let is_without = matches!(
        operation,
        Operation::CreateNotificationSubscription
            | Operation::DeleteNotificationSubscription
            | Operation::DescribeNotificationSubscriptions
    );
    if is_without { all.split_at(1).1 } else { all }
}

impl Input<'_> {
    /// Reads a member of the path, which is always required.
    pub(crate) fn path_member<S: Decoded>(
        &self,
        member: &str,
        out: &mut Violations,
    ) -> Option<S::Input> {
        let Some((_, text)) = self.path.iter().find(|(name, _)| name == member) else {
            out.add(member, NOT_NULL);
            return None;
        };
        S::from_text(text, member, out)
    }

    /// Reads a member of the query string, where it is called `parameter`.
    pub(crate) fn query_member<S: Decoded>(
        &self,
        member: &str,
        parameter: &str,
        out: &mut Violations,
    ) -> Option<S::Input> {
        let named = self.query.iter().filter(|(name, _)| name == parameter);
        let texts: Vec<&str> = named.map(|(_, text)| text.as_str()).collect();
        if texts.is_empty() {
            return None;
        }
        S::from_texts(&texts, member, out)
    }

    /// Reads a member of the query string that has to be there.
    pub(crate) fn required_query_member<S: Decoded>(
        &self,
        member: &str,
        parameter: &str,
        out: &mut Violations,
    ) -> Option<S::Input> {
        if self.query.iter().all(|(name, _)| name != parameter) {
            out.add(member, NOT_NULL);
            return None;
        }
        self.query_member::<S>(member, parameter, out)
    }

    /// Reads a member of the body; null is the same as nothing.
    pub(crate) fn body_member<S: Decoded>(
        &self,
        member: &str,
        out: &mut Violations,
    ) -> Option<S::Input> {
        from_object::<S>(self.body?, member, member, out)
    }

    /// Reads a member of the body that has to be there.
    pub(crate) fn required_body_member<S: Decoded>(
        &self,
        member: &str,
        out: &mut Violations,
    ) -> Option<S::Input> {
        let Some(body) = self.body else {
            out.add(member, NOT_NULL);
            return None;
        };
        required_from_object::<S>(body, member, member, out)
    }
}

/// Reads a member of an object that has to be there; `path` is its name with dots from the root.
pub(crate) fn required_from_object<S: Decoded>(
    object: &Map<String, Value>,
    member: &str,
    path: &str,
    out: &mut Violations,
) -> Option<S::Input> {
    if object.get(member).is_none_or(Value::is_null) {
        out.add(path, NOT_NULL);
        return None;
    }
    from_object::<S>(object, member, path, out)
}

/// Reads a member of an object; `path` is its name with dots from the body's root.
pub(crate) fn from_object<S: Decoded>(
    object: &Map<String, Value>,
    member: &str,
    path: &str,
    out: &mut Violations,
) -> Option<S::Input> {
    let value = object.get(member).filter(|value| !value.is_null())?;
    S::from_json(value, path, out)
}
