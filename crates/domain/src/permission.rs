//! Roles, and the powers each gives: the permission calculus.

use serde::{Deserialize, Serialize};

use crate::caller::{Identity, TokenUser};
use crate::user::UserType;
use crate::{Call, GroupId, OrganizationId, UserId};

/// What a permission gives somebody on an item and all below it, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Sees and downloads.
    Viewer,
    /// Adds folders, documents and versions.
    Contributor,
    /// All the owner may do, without being the owner.
    CoOwner,
    /// Owns the tree the resource stands in. Nobody is given this role.
    Owner,
}

/// Whom a permission is given to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Principal {
    /// Everybody, without a name.
    Anonymous,
    /// The members of a group.
    Group(GroupId),
    /// All users of the site.
    Organization(OrganizationId),
    /// One user.
    User(UserId),
}

impl Principal {
    /// The literal id of everybody.
    pub const ANONYMOUS_ID: &'static str = "anonymous";

    /// The id, as the protocol and the store have it.
    pub fn id(&self) -> &str {
        match self {
            Self::Anonymous => Self::ANONYMOUS_ID,
            Self::Group(id) => id.as_str(),
            Self::Organization(id) => id.as_str(),
            Self::User(id) => id.as_str(),
        }
    }
}

/// How somebody stands to an item, weakest first: each level has all the powers of those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Has the public link.
    Public,
    /// Is a viewer.
    Viewer,
    /// Is a contributor of a folder the item stands in, or of the folder itself.
    Contributor,
    /// Is a contributor of this very document.
    DocumentContributor,
    /// Is a co-owner, or uploaded the document first and still contributes.
    CoOwner,
    /// Owns the tree, or administers the site.
    Owner,
}

/// What somebody wants to do with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// See it, its latest version's properties and whom it is shared with.
    View,
    /// Read the bytes.
    Download,
    /// Read older versions and comments.
    ReadHistory,
    /// Write comments.
    Comment,
    /// Add items, versions, labels and custom metadata.
    Contribute,
    /// Delete versions and bring them back.
    ManageVersions,
    /// Rename, move and recycle.
    Manage,
    /// Give permissions.
    Share,
    /// Take permissions away.
    Revoke,
    /// Bring back out of the recycle bin.
    Restore,
    /// Delete for good.
    Delete,
}

impl Power {
    /// The least standing that has the power.
    pub const fn needs(self) -> Standing {
        match self {
            Self::View => Standing::Public,
            Self::Download => Standing::Viewer,
            Self::ReadHistory | Self::Comment | Self::Contribute => Standing::Contributor,
            Self::ManageVersions => Standing::DocumentContributor,
            Self::Manage | Self::Share | Self::Revoke | Self::Restore | Self::Delete => {
                Standing::CoOwner
            }
        }
    }

    /// Whether it can be done to what lies in a recycle bin.
    pub const fn reaches_recycled(self) -> bool {
        match self {
            Self::View
            | Self::Download
            | Self::ReadHistory
            | Self::Restore
            | Self::Revoke
            | Self::Delete => true,
            Self::Comment
            | Self::Contribute
            | Self::ManageVersions
            | Self::Manage
            | Self::Share => false,
        }
    }
}

impl Standing {
    /// Whether somebody who stands like this may give a role to others.
    pub const fn may_give(self, role: Role) -> bool {
        match role {
            Role::Viewer | Role::Contributor | Role::CoOwner => {
                matches!(self, Self::CoOwner | Self::Owner)
            }
            Role::Owner => false,
        }
    }
}

/// The strongest permissions that reach a caller on an item, on it and on the folders above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Given on the item itself.
    pub direct: Option<Standing>,
    /// Given on a folder above.
    pub inherited: Option<Standing>,
}

/// What of an item decides how somebody stands to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// Whom the tree belongs to.
    pub(crate) owner: &'a UserId,
    /// Who made the item.
    pub(crate) creator: &'a str,
    /// Whether it is a document.
    pub(crate) is_document: bool,
    /// The permissions that reach the caller.
    pub(crate) grants: Grants,
}

/// How a caller stands to an item; nothing for one that is not theirs to see.
pub(crate) fn standing(call: &Call, facts: &Facts<'_>) -> Option<Standing> {
    match &call.caller().identity {
        Identity::Administrator(_) => Some(Standing::Owner),
        Identity::User(user) => {
            let standing = of_user(user, facts)?;
            let is_guest = user.user_type == UserType::MinimalUser;
            Some(if is_guest { standing.min(Standing::Viewer) } else { standing })
        }
    }
}

fn of_user(user: &TokenUser, facts: &Facts<'_>) -> Option<Standing> {
    if user.id == *facts.owner {
        return Some(Standing::Owner);
    }
    let direct = facts.grants.direct.map(|direct| match direct {
        Standing::Contributor if facts.is_document => Standing::DocumentContributor,
        other => other,
    });
    let held = direct.max(facts.grants.inherited)?;
    let is_uploader = facts.is_document && user.id.as_str() == facts.creator;
    Some(if is_uploader && held >= Standing::Contributor { Standing::CoOwner } else { held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Action, Caller, Scope, Scopes};
    use crate::policy::Circumstances;
    use crate::user::UserStatus;

    fn call(user_type: UserType) -> Call {
        let caller = Caller {
            organization: OrganizationId::new("d-0000000000"),
            identity: Identity::User(TokenUser {
                id: UserId::new("bob"),
                user_type,
                status: UserStatus::Active,
                scopes: Scopes { read: true, write: true },
                from_directory: false,
            }),
        };
        let action = Action { name: "GetFolder", scope: Scope::Read };
        Call::admit(caller, action, Circumstances::default(), None).unwrap()
    }

    const LEVELS: [Option<Standing>; 5] = [
        None,
        Some(Standing::Public),
        Some(Standing::Viewer),
        Some(Standing::Contributor),
        Some(Standing::CoOwner),
    ];

    const POWERS: [Power; 11] = [
        Power::View,
        Power::Download,
        Power::ReadHistory,
        Power::Comment,
        Power::Contribute,
        Power::ManageVersions,
        Power::Manage,
        Power::Share,
        Power::Revoke,
        Power::Restore,
        Power::Delete,
    ];

    /// The powers of a user, as one letter each, in the order of `POWERS`.
    fn letters(user_type: UserType, facts: &Facts<'_>) -> String {
        let held = standing(&call(user_type), facts);
        let letter = |(power, letter): (Power, char)| {
            if held.is_some_and(|held| held >= power.needs()) { letter } else { '-' }
        };
        POWERS.into_iter().zip("VDHCAvmsrRx".chars()).map(letter).collect()
    }

    #[test]
    fn the_table_of_powers_is_this_one() {
        let owner = UserId::new("ann");
        let rows = [
            // (where the role is held, role, folder's powers, document's powers, uploader's powers)
            ("direct", None, "-----------", "-----------", "-----------"),
            ("direct", Some(Standing::Public), "V----------", "V----------", "V----------"),
            ("direct", Some(Standing::Viewer), "VD---------", "VD---------", "VD---------"),
            ("direct", Some(Standing::Contributor), "VDHCA------", "VDHCAv-----", "VDHCAvmsrRx"),
            ("direct", Some(Standing::CoOwner), "VDHCAvmsrRx", "VDHCAvmsrRx", "VDHCAvmsrRx"),
            ("inherited", Some(Standing::Public), "V----------", "V----------", "V----------"),
            ("inherited", Some(Standing::Viewer), "VD---------", "VD---------", "VD---------"),
            ("inherited", Some(Standing::Contributor), "VDHCA------", "VDHCA------", "VDHCAvmsrRx"),
            ("inherited", Some(Standing::CoOwner), "VDHCAvmsrRx", "VDHCAvmsrRx", "VDHCAvmsrRx"),
        ];
        for (place, role, folder, document, uploader) in rows {
            let grants = match place {
                "direct" => Grants { direct: role, inherited: None },
                _ => Grants { direct: None, inherited: role },
            };
            let facts =
                |is_document, creator| Facts { owner: &owner, creator, is_document, grants };
            let of = |facts| letters(UserType::User, &facts);
            assert_eq!(of(facts(false, "ann")), folder, "{place} {role:?} folder");
            assert_eq!(of(facts(false, "bob")), folder, "{place} {role:?} folder they made");
            assert_eq!(of(facts(true, "ann")), document, "{place} {role:?} document");
            assert_eq!(of(facts(true, "bob")), uploader, "{place} {role:?} uploader");
        }
    }

    #[test]
    fn the_stronger_of_two_permissions_counts_wherever_it_is_given() {
        let owner = UserId::new("ann");
        for direct in LEVELS {
            for inherited in LEVELS {
                let facts = |is_document| Facts {
                    owner: &owner,
                    creator: "ann",
                    is_document,
                    grants: Grants { direct, inherited },
                };
                let held = standing(&call(UserType::User), &facts(false));
                assert_eq!(held, direct.max(inherited));
                let held = standing(&call(UserType::User), &facts(true));
                let lifted = direct.max(inherited) == Some(Standing::Contributor)
                    && direct == Some(Standing::Contributor);
                let expected = if lifted {
                    Some(Standing::DocumentContributor)
                } else {
                    direct.max(inherited)
                };
                assert_eq!(held, expected, "{direct:?} {inherited:?}");
            }
        }
    }

    #[test]
    fn a_guest_never_has_more_than_a_viewers_powers() {
        for owner in ["ann", "bob"] {
            let owner = UserId::new(owner);
            for direct in LEVELS {
                for inherited in LEVELS {
                    let grants = Grants { direct, inherited };
                    let facts = Facts { owner: &owner, creator: "bob", is_document: true, grants };
                    let held = standing(&call(UserType::MinimalUser), &facts);
                    assert!(held <= Some(Standing::Viewer));
                    assert_eq!(held.is_some(), standing(&call(UserType::User), &facts).is_some());
                }
            }
        }
    }

    #[test]
    fn the_type_of_a_user_gives_no_powers_over_others_content() {
        let owner = UserId::new("ann");
        let facts =
            Facts { owner: &owner, creator: "ann", is_document: true, grants: Grants::default() };
        let types =
            [UserType::User, UserType::Admin, UserType::PowerUser, UserType::WorkspacesUser];
        for user_type in types {
            assert_eq!(standing(&call(user_type), &facts), None);
        }
    }

    #[test]
    fn only_owners_and_co_owners_give_roles_and_nobody_gives_ownership() {
        for (held, gives) in [
            (Standing::Public, false),
            (Standing::Viewer, false),
            (Standing::Contributor, false),
            (Standing::DocumentContributor, false),
            (Standing::CoOwner, true),
            (Standing::Owner, true),
        ] {
            for role in [Role::Viewer, Role::Contributor, Role::CoOwner] {
                assert_eq!(held.may_give(role), gives);
            }
            assert!(!held.may_give(Role::Owner));
        }
    }
}
