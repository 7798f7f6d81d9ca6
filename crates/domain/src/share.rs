//! Sharing: whom an item can be shared with under which role, and why not.

use serde::{Deserialize, Serialize};

use crate::access::Granted;
use crate::resource::Item;
use crate::user::UserType;
use crate::{FolderId, GroupId, OrganizationId, Power, Principal, Refusal, Role, Standing, UserId};

/// One principal an item is to be shared with, as the caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Whom.
    pub with: ShareWith,
    /// What they are to get.
    pub role: Role,
}

/// Whom an item is to be shared with.
#[derive(Clone, PartialEq, Eq)]
pub enum ShareWith {
    /// Everybody, by the literal id it was given.
    Anonymous(String),
    /// The members of a group.
    Group(GroupId),
    /// All users of a site.
    Organization(OrganizationId),
    /// One user.
    User(UserId),
    /// Whoever has this e-mail address, who may have to be invited.
    Address(String),
}

/// Addresses of people must not reach a log.
impl std::fmt::Debug for ShareWith {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous(_) => f.write_str("Anonymous"),
            Self::Group(id) => write!(f, "Group({id})"),
            Self::Organization(id) => write!(f, "Organization({id})"),
            Self::User(id) => write!(f, "User({id})"),
            Self::Address(_) => f.write_str("Address(…)"),
        }
    }
}

/// Why one principal was not given a role, while others of the same call may have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShareFailure {
    /// The caller does not have the role to give.
    RoleAboveOwn,
    /// The principal owns the tree.
    IsOwner,
    /// No user has this id.
    UnknownUser,
    /// No group has this id.
    UnknownGroup,
    /// A guest was to get more than a guest may have.
    GuestRole,
    /// The text is not an address anybody could be invited by.
    NotAnAddress,
    /// The organization is not the caller's.
    OtherOrganization,
    /// All users of the site were to get more than they may as such.
    OrganizationRole,
    /// Everybody has another id.
    AnonymousId,
    /// Everybody was to get more than to look.
    AnonymousRole,
    /// Everybody was to see a folder.
    AnonymousFolder,
    /// The item has as many principals as it may.
    TooMany,
    /// The call made as many guests as one call may.
    TooManyGuests,
}

impl ShareFailure {
    /// What went wrong and what would be right, for a person.
    pub const fn text(self) -> &'static str {
        match self {
            Self::RoleAboveOwn => {
                "Nobody gives the role OWNER, and nobody a role above their own; give a lesser one."
            }
            Self::IsOwner => "The principal is the owner, who has every right already.",
            Self::UnknownUser => {
                "The site has no user of this id; name one, or invite them by e-mail with the \
                 type INVITE."
            }
            Self::UnknownGroup => "The site has no group of this id.",
            Self::GuestRole => "The user is a guest, and guests get no role but VIEWER.",
            Self::NotAnAddress => "The id of an INVITE must be an e-mail address.",
            Self::OtherOrganization => {
                "The id of an ORGANIZATION must be that of the organization the item is in."
            }
            Self::OrganizationRole => {
                "A whole organization gets no role but VIEWER or CONTRIBUTOR."
            }
            Self::AnonymousId => "The id of ANONYMOUS must be the word anonymous.",
            Self::AnonymousRole => "ANONYMOUS gets no role but VIEWER.",
            Self::AnonymousFolder => {
                "Only documents are shared with ANONYMOUS; share the folder's documents one by one."
            }
            Self::TooManyGuests => {
                "One call invites at most 50 people the site does not know; invite the others in \
                 another call."
            }
            Self::TooMany => {
                "The item is shared with 1000 principals already; remove some, or share it with a \
                 group."
            }
        }
    }
}

impl Granted<Item> {
    /// The folder the item stands in, where it can be shared at all.
    pub fn shareable_in(&self) -> Result<&FolderId, Refusal> {
        match self.get() {
            Item::Folder(folder) => folder.parent.as_ref().ok_or(Refusal::ProhibitedState(
                "a root folder or recycle bin cannot be shared; share a folder inside it",
            )),
            Item::Document(document) => Ok(&document.parent),
        }
    }

    /// Whether the caller may give what a share asks for, as far as it can be told without asking
    /// who the principal is.
    pub fn may_give(
        &self,
        share: &Share,
        organization: &OrganizationId,
    ) -> Result<(), ShareFailure> {
        let is_folder = matches!(self.get(), Item::Folder(_));
        may_give(self.held(), is_folder, organization, share)
    }

    /// Whether a user may get a role on the item.
    pub fn may_get(
        &self,
        user: &UserId,
        user_type: UserType,
        role: Role,
    ) -> Result<(), ShareFailure> {
        if self.get().owner() == user {
            return Err(ShareFailure::IsOwner);
        }
        may_get(user_type, role)
    }

    /// Whether the caller may take away what the principals of an id were given on the item; those
    /// of one type alone, where a principal is named. Everybody may leave a share, and nobody takes
    /// the owner's rights.
    pub fn may_revoke(
        &self,
        id: &str,
        principal: Option<&Principal>,
        caller: Option<&UserId>,
    ) -> Result<(), Refusal> {
        let is_user = matches!(principal, None | Some(Principal::User(_)));
        if is_user && self.get().owner().as_str() == id {
            return Err(Refusal::NotAllowed(
                "the principal is the owner, whose rights nobody takes away",
            ));
        }
        if is_user && caller.is_some_and(|caller| caller.as_str() == id) {
            return Ok(());
        }
        self.require(Power::Revoke)
    }
}

/// Whether somebody of a type may get a role.
pub fn may_get(user_type: UserType, role: Role) -> Result<(), ShareFailure> {
    if user_type == UserType::MinimalUser && role > Role::Viewer {
        Err(ShareFailure::GuestRole)
    } else {
        Ok(())
    }
}

fn may_give(
    held: Standing,
    is_folder: bool,
    organization: &OrganizationId,
    share: &Share,
) -> Result<(), ShareFailure> {
    if !held.may_give(share.role) {
        return Err(ShareFailure::RoleAboveOwn);
    }
    match &share.with {
        ShareWith::Anonymous(id) if id != Principal::ANONYMOUS_ID => Err(ShareFailure::AnonymousId),
        ShareWith::Anonymous(_) if share.role > Role::Viewer => Err(ShareFailure::AnonymousRole),
        ShareWith::Anonymous(_) if is_folder => Err(ShareFailure::AnonymousFolder),
        ShareWith::Organization(id) if id != organization => Err(ShareFailure::OtherOrganization),
        ShareWith::Organization(_) if share.role > Role::Contributor => {
            Err(ShareFailure::OrganizationRole)
        }
        ShareWith::Address(address) if !is_address(address) => Err(ShareFailure::NotAnAddress),
        ShareWith::Anonymous(_)
        | ShareWith::Group(_)
        | ShareWith::Organization(_)
        | ShareWith::User(_)
        | ShareWith::Address(_) => Ok(()),
    }
}

/// Whether a text has the form in which the protocol takes e-mail addresses.
fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let Some((host, top)) = host.rsplit_once('.') else { return false };
    let is_text = |text: &str, marks: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
    };
    let is_top = top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic());
    is_text(name, "._%+-") && is_text(host, ".-") && is_top
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 4] = [Role::Viewer, Role::Contributor, Role::CoOwner, Role::Owner];
    const STANDINGS: [Standing; 6] = [
        Standing::Public,
        Standing::Viewer,
        Standing::Contributor,
        Standing::DocumentContributor,
        Standing::CoOwner,
        Standing::Owner,
    ];

    #[test]
    fn the_table_of_what_can_be_given_is_this_one() {
        use ShareFailure as F;
        let here = OrganizationId::new("d-0000000000");
        let anonymous = |id: &str| ShareWith::Anonymous(id.to_owned());
        let organization = |id: &str| ShareWith::Organization(OrganizationId::new(id));
        // What VIEWER, CONTRIBUTOR and COOWNER fail with, on a folder and on a document.
        let nothing = [None, None, None];
        let (id, role, folder) =
            (Some(F::AnonymousId), Some(F::AnonymousRole), Some(F::AnonymousFolder));
        let rows = [
            (ShareWith::User(UserId::new("bob")), nothing, nothing),
            (ShareWith::Group(GroupId::new("all")), nothing, nothing),
            (ShareWith::Address("bob@example.com".to_owned()), nothing, nothing),
            (
                organization("d-0000000000"),
                [None, None, Some(F::OrganizationRole)],
                [None, None, Some(F::OrganizationRole)],
            ),
            (
                organization("d-1111111111"),
                [Some(F::OtherOrganization); 3],
                [Some(F::OtherOrganization); 3],
            ),
            (
                ShareWith::Address("bob".to_owned()),
                [Some(F::NotAnAddress); 3],
                [Some(F::NotAnAddress); 3],
            ),
            (anonymous("anonymous"), [folder, role, role], [None, role, role]),
            (anonymous("Anonymous"), [id; 3], [id; 3]),
        ];
        for (with, of_folder, of_document) in rows {
            for held in STANDINGS {
                for (is_folder, expected) in [(true, of_folder), (false, of_document)] {
                    for (role, expected) in
                        ROLES.into_iter().zip(expected.into_iter().chain([None]))
                    {
                        let share = Share { with: with.clone(), role };
                        let gives = held >= Standing::CoOwner && role != Role::Owner;
                        let expected = if gives { expected } else { Some(F::RoleAboveOwn) };
                        let failure = may_give(held, is_folder, &here, &share).err();
                        assert_eq!(failure, expected, "{held:?} {is_folder} {share:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_guest_gets_no_role_but_viewer() {
        let types = [
            UserType::User,
            UserType::Admin,
            UserType::PowerUser,
            UserType::MinimalUser,
            UserType::WorkspacesUser,
        ];
        for user_type in types {
            for role in ROLES {
                let refused = user_type == UserType::MinimalUser && role != Role::Viewer;
                let expected = refused.then_some(ShareFailure::GuestRole);
                assert_eq!(may_get(user_type, role).err(), expected, "{user_type:?} {role:?}");
            }
        }
    }

    #[test]
    fn an_address_has_a_name_and_a_host() {
        for good in ["bob@example.com", "b.o+b%1_-@ex-ample.co.uk", "B@b.COM"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "bob",
            "bob@",
            "@example.com",
            "bob@com",
            "bob@.com",
            "bob@example.c",
            "b b@c.de",
            "bob@example.c0m",
            "bob@a@b.com",
            "bö@example.com",
            "S-1-5-21-1&d-9f3a61c04b",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_stays_out_of_debug_output() {
        let with = ShareWith::Address("bob@example.com".to_owned());
        assert_eq!(format!("{with:?}"), "Address(…)");
    }
}
