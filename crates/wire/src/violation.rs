//! What a request has broken of the model, all of it at once.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The constraint that what has to be there breaks by its absence.
pub(crate) const NOT_NULL: &str = "Member must not be null";

/// A member whose value breaks a constraint. Never holds the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The member as the model spells it, with dots into nested structures; what a list holds is
    /// counted from one: `Principals.1.member.Id`.
    pub member: String,
    /// The constraint, as a sentence without a full stop: `Member must not be null`.
    pub constraint: Cow<'static, str>,
}

/// Every constraint that a request breaks, in the order of its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A single one.
    pub fn of(member: impl Into<String>, constraint: impl Into<Cow<'static, str>>) -> Self {
        let mut violations = Self::new();
        violations.add(member, constraint);
        violations
    }

    /// Adds one.
    pub fn add(&mut self, member: impl Into<String>, constraint: impl Into<Cow<'static, str>>) {
        self.0.push(Violation { member: member.into(), constraint: constraint.into() });
    }

    /// Adds all of `others`.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The violations, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }

    /// The member of each violation, in order; a member with two comes twice.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|violation| violation.member.as_str())
    }

    /// The text of the error, worded as AWS services word it.
    pub fn message(&self) -> String {
        let count = self.0.len();
        let plural = if count == 1 { "" } else { "s" };
        let mut text = format!("{count} validation error{plural} detected: ");
        for (at, Violation { member, constraint }) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "{separator}Value at '{member}' failed to satisfy constraint: {constraint}"
            );
        }
        text
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::fmt::Display for Violations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_counts_and_names_every_violation() {
        let mut violations = Violations::of("FolderId", "Member must not be null");
        assert_eq!(
            violations.message(),
            "1 validation error detected: Value at 'FolderId' failed to satisfy constraint: \
             Member must not be null"
        );
        violations.append(Violations::of("Limit", "Member must be an integer"));
        assert_eq!(
            violations.to_string(),
            "2 validation errors detected: Value at 'FolderId' failed to satisfy constraint: \
             Member must not be null; Value at 'Limit' failed to satisfy constraint: \
             Member must be an integer"
        );
        assert_eq!(violations.members().collect::<Vec<_>>(), ["FolderId", "Limit"]);
        assert_eq!(violations.len(), violations.iter().count());
    }
}
