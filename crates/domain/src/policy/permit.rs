//! What a holder of credentials may do: layers of policies, each of which must allow.

use std::sync::Arc;

use super::{Asked, Decision, Policy};

/// Layers of policies: those of a user or role together, a key's own, a session's. What one layer
/// does not allow, no other can give; without any layer everything is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permit(Vec<Arc<[Policy]>>);

impl Permit {
    /// Everything is allowed.
    pub const fn everything() -> Self {
        Self(Vec::new())
    }

    /// Adds a layer. One without policies allows nothing.
    #[must_use]
    pub fn narrowed(mut self, layer: Vec<Policy>) -> Self {
        self.0.push(layer.into());
        self
    }

    /// What all layers say about a call together.
    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        let of_layer = |layer: &Arc<[Policy]>| {
            layer
                .iter()
                .fold(Decision::ImplicitDeny, |so_far, policy| so_far.joined(policy.decide(asked)))
        };
        self.0.iter().map(of_layer).min().unwrap_or(Decision::Allowed)
    }

    /// Whether a call is allowed.
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        self.decide(asked) == Decision::Allowed
    }
}
