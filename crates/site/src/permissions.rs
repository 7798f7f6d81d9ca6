//! Sharing: give permissions, list them, take them away.

use std::collections::BTreeMap;

use docharbor_domain::limits::{GUESTS_PER_CALL_MAX, SHARE_PRINCIPALS_MAX};
use docharbor_domain::{
    ActivityId, Call, Deed, Folder, FolderId, Granted, Item, OrganizationId, Power, Principal,
    Refusal, ResourceId, Role, Share, ShareFailure, ShareWith, StorageRule, Timestamp, User,
    UserId, UserStatus, UserType, grant, may_get,
};
use docharbor_metadata::{Inserted, Permission, PermissionListing, StoreError, Tx};
use serde::{Deserialize, Serialize};

use crate::activities::{activity, record};
use crate::folders::changing;
use crate::{Error, Site, access};

/// What became of one principal an item was to be shared with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shared {
    /// The user an e-mail address stands for.
    pub invitee: Option<UserId>,
    /// Why the principal was not given the role.
    pub failure: Option<ShareFailure>,
}

/// A page of the permissions that reach an item.
#[derive(Clone, Debug)]
pub struct PermissionsPage {
    /// The principals on it with what they have, by type and id.
    pub permissions: Vec<Permission>,
    /// The type and id behind which the next page begins, if there is one.
    pub next: Option<(String, String)>,
}

/// Whose permission on an item is to be taken away.
#[derive(Clone, Debug)]
pub enum Revoked {
    /// Whoever has this id.
    Id(String),
    /// One principal.
    Principal(Principal),
    /// The user of an e-mail address.
    Address(String),
    /// A principal there cannot be.
    Nobody,
}

#[derive(Clone)]
struct Sharing {
    call: Call,
    id: ResourceId,
    shares: Vec<(Share, Option<Guest>)>,
    now: Timestamp,
    activity: ActivityId,
}

/// The user who is made of an address that nobody has yet.
#[derive(Clone)]
struct Guest {
    user: User,
    folders: [Folder; 2],
}

#[derive(Clone)]
struct Revocation {
    call: Call,
    id: ResourceId,
    /// Whose; everybody's where nobody is named.
    revoked: Option<Revoked>,
    now: Timestamp,
    activity: ActivityId,
}

impl Site {
    /// Shares an item with each of the principals, where the caller must be able to share. What
    /// fails for one does not fail for another; each gets an answer, in order.
    pub async fn share(
        &self,
        call: &Call,
        id: ResourceId,
        shares: Vec<Share>,
    ) -> Result<Vec<Shared>, Error> {
        let now = self.now();
        let guest = |share: &Share| match &share.with {
            ShareWith::Address(address) => Some(self.new_guest(call.organization(), address, now)),
            ShareWith::Anonymous(_)
            | ShareWith::Group(_)
            | ShareWith::Organization(_)
            | ShareWith::User(_) => None,
        };
        let shares = shares
            .into_iter()
            .map(|share| {
                let guest = guest(&share);
                (share, guest)
            })
            .collect();
        let activity = self.activity_id();
        let input = Sharing { call: call.clone(), id, shares, now, activity };
        self.change(call, input, |tx, input| Box::pin(share(tx, input))).await
    }

    /// Somebody who was invited and has not come yet: without a password, and without storage.
    fn new_guest(&self, organization: &OrganizationId, address: &str, now: Timestamp) -> Guest {
        let id = UserId::from_random(organization, self.random());
        let [root, bin] = [self.random(), self.random()].map(FolderId::from_random);
        let folders = Folder::new_roots(&id, root.clone(), bin.clone(), now);
        let user = User {
            id,
            organization: organization.clone(),
            username: address.to_owned(),
            email: Some(address.to_owned()),
            given_name: String::new(),
            surname: String::new(),
            status: UserStatus::Pending,
            user_type: UserType::MinimalUser,
            time_zone: None,
            locale: None,
            storage_rule: StorageRule::Quota(0),
            storage_used_bytes: 0,
            root_folder: root,
            recycle_bin: bin,
            created: now,
            modified: now,
        };
        Guest { user, folders }
    }

    /// Reads a page of the permissions that reach an item, whoever holds them.
    pub async fn permissions(
        &self,
        call: &Call,
        id: ResourceId,
        listing: PermissionListing,
    ) -> Result<PermissionsPage, Error> {
        self.read((call.clone(), id, listing), |tx, (call, id, listing)| {
            Box::pin(permissions(tx, call, id, listing))
        })
        .await
    }

    /// Takes a permission given on an item away. The owner's stays; everybody may give up their own.
    pub async fn revoke(&self, call: &Call, id: ResourceId, revoked: Revoked) -> Result<(), Error> {
        self.take_away(call, id, Some(revoked)).await
    }

    /// Takes all permissions given on an item away. The owner's stays.
    pub async fn revoke_all(&self, call: &Call, id: ResourceId) -> Result<(), Error> {
        self.take_away(call, id, None).await
    }

    async fn take_away(
        &self,
        call: &Call,
        id: ResourceId,
        revoked: Option<Revoked>,
    ) -> Result<(), Error> {
        let (now, activity) = (self.now(), self.activity_id());
        let input = Revocation { call: call.clone(), id, revoked, now, activity };
        self.change(call, input, |tx, input| Box::pin(revoke(tx, input))).await
    }
}

async fn share(tx: &mut Tx, input: &Sharing) -> Result<Vec<Shared>, Error> {
    let organization = input.call.organization();
    let item = access::item(tx, &input.call, &input.id, Power::Share).await?;
    let parent = item.shareable_in()?;
    if input.shares.iter().any(|(_, guest)| guest.is_some()) {
        // Two invitations to one address are to make one user.
        tx.lock_organization(organization).await?;
    }
    if tx.lock_item(organization, parent, &input.id).await?.is_none() {
        return Err(changing());
    }
    let holders = tx.permission_holders(organization, &input.id).await?;
    let holders: BTreeMap<_, _> = holders.into_iter().collect();
    let before = holders.clone();
    let mut round = Round { input, item, holders, guests: 0 };
    let mut results = Vec::with_capacity(input.shares.len());
    for (share, guest) in &input.shares {
        results.push(match round.give(tx, share, guest.as_ref()).await {
            Ok(invitee) => Shared { invitee, failure: None },
            Err(Ungiven::Failed(failure)) => Shared { invitee: None, failure: Some(failure) },
            Err(Ungiven::Stopped(error)) => return Err(error),
        });
    }
    record_shares(tx, &round, &before).await?;
    Ok(results)
}

/// Writes down who got a role, and who got another one.
async fn record_shares(
    tx: &mut Tx,
    round: &Round<'_>,
    before: &BTreeMap<Principal, Role>,
) -> Result<(), Error> {
    let Sharing { call, now, activity: id, .. } = round.input;
    let mut deeds = [
        (Deed::Shared, Vec::new()),
        (Deed::ChangedPermission, Vec::new()),
        (Deed::CreatedLink, Vec::new()),
        (Deed::ChangedLinkPermission, Vec::new()),
    ];
    for (principal, role) in &round.holders {
        let is_changed = match before.get(principal) {
            Some(had) if had == role => continue,
            had => had.is_some(),
        };
        let kind = usize::from(is_changed) + 2 * usize::from(is_link(principal));
        if let Some((_, principals)) = deeds.get_mut(kind) {
            principals.push(principal.clone());
        }
    }
    let item = round.item.get();
    record_principals(tx, call, (id, *now), item, deeds).await
}

/// Writes down what was done with principals; nothing where it was done with none.
async fn record_principals(
    tx: &mut Tx,
    call: &Call,
    (id, now): (&ActivityId, Timestamp),
    item: &Item,
    deeds: impl IntoIterator<Item = (Deed, Vec<Principal>)>,
) -> Result<(), Error> {
    let done = deeds.into_iter().filter(|(_, principals)| !principals.is_empty());
    for (number, (deed, participants)) in done.enumerate() {
        let mut done = activity(call, &id.nth(number), now, deed, item);
        done.participants = participants;
        record(tx, call.organization(), &done).await?;
    }
    Ok(())
}

/// Whether what a principal is given is what people call a link: it is for nobody in particular.
fn is_link(principal: &Principal) -> bool {
    match principal {
        Principal::Anonymous | Principal::Organization(_) => true,
        Principal::Group(_) | Principal::User(_) => false,
    }
}

/// The principals of one call being served, one after the other.
struct Round<'a> {
    input: &'a Sharing,
    item: Granted<Item>,
    holders: BTreeMap<Principal, Role>,
    guests: usize,
}

/// Why a principal was not given a role.
enum Ungiven {
    /// For a reason of its own; the others go on.
    Failed(ShareFailure),
    /// Because nothing can go on.
    Stopped(Error),
}

impl From<ShareFailure> for Ungiven {
    fn from(failure: ShareFailure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Ungiven {
    fn from(error: StoreError) -> Self {
        Self::Stopped(error.into())
    }
}

impl Round<'_> {
    /// Gives the principal the role, and answers which user an address stands for.
    async fn give(
        &mut self,
        tx: &mut Tx,
        share: &Share,
        guest: Option<&Guest>,
    ) -> Result<Option<UserId>, Ungiven> {
        let organization = self.input.call.organization();
        self.item.may_give(share, organization)?;
        let mut invitee = None;
        let principal = match &share.with {
            ShareWith::Anonymous(_) => Principal::Anonymous,
            ShareWith::Organization(id) => Principal::Organization(id.clone()),
            ShareWith::Group(id) => {
                if tx.group_kept(organization, id).await?.is_none() {
                    return Err(ShareFailure::UnknownGroup.into());
                }
                Principal::Group(id.clone())
            }
            ShareWith::User(id) => self.existing(tx, id, share.role).await?,
            ShareWith::Address(address) => {
                let user = self.invited(tx, address, share.role, guest).await?;
                invitee = Some(user.clone());
                Principal::User(user)
            }
        };
        self.require_room(&principal)?;
        let (id, now) = (&self.input.id, self.input.now);
        tx.put_permission(organization, id, &principal, share.role, now).await?;
        self.holders.insert(principal, share.role);
        Ok(invitee)
    }

    async fn existing(&self, tx: &mut Tx, id: &UserId, role: Role) -> Result<Principal, Ungiven> {
        let user_type = tx.user_type_kept(self.input.call.organization(), id).await?;
        self.item.may_get(id, user_type.ok_or(ShareFailure::UnknownUser)?, role)?;
        Ok(Principal::User(id.clone()))
    }

    /// The user of an address, who is made if there is none.
    async fn invited(
        &mut self,
        tx: &mut Tx,
        address: &str,
        role: Role,
        guest: Option<&Guest>,
    ) -> Result<UserId, Ungiven> {
        let organization = self.input.call.organization();
        if let Some(id) = user_of(tx, organization, address).await? {
            self.existing(tx, &id, role).await?;
            return Ok(id);
        }
        let guest = guest.ok_or(ShareFailure::NotAnAddress)?;
        may_get(guest.user.user_type, role)?;
        self.require_room(&Principal::User(guest.user.id.clone()))?;
        if self.guests == GUESTS_PER_CALL_MAX {
            return Err(ShareFailure::TooManyGuests.into());
        }
        // No password has this hash, so nobody signs in as the guest before they chose one.
        match tx.insert_user(&guest.user, "").await? {
            Inserted::Yes => self.guests += 1,
            // A user of that name was made meanwhile.
            Inserted::Duplicate => {
                let user = tx.user_by_name(organization, address).await?;
                let id = user.ok_or(ShareFailure::UnknownUser)?.id;
                self.existing(tx, &id, role).await?;
                return Ok(id);
            }
        }
        for folder in &guest.folders {
            tx.insert_folder(organization, folder).await?;
        }
        Ok(guest.user.id.clone())
    }

    fn require_room(&self, principal: &Principal) -> Result<(), ShareFailure> {
        if self.holders.len() >= SHARE_PRINCIPALS_MAX && !self.holders.contains_key(principal) {
            return Err(ShareFailure::TooMany);
        }
        Ok(())
    }
}

/// The user an e-mail address stands for: whoever has it, or signs in with it.
async fn user_of(
    tx: &mut Tx,
    organization: &OrganizationId,
    address: &str,
) -> Result<Option<UserId>, StoreError> {
    if let Some(id) = tx.user_by_email(organization, address).await? {
        return Ok(Some(id));
    }
    Ok(tx.user_by_name(organization, address).await?.map(|user| user.id))
}

async fn permissions(
    tx: &mut Tx,
    call: &Call,
    id: &ResourceId,
    listing: &PermissionListing,
) -> Result<PermissionsPage, Error> {
    // One more than the page holds tells whether another page follows.
    let wanted = PermissionListing { limit: listing.limit + 1, ..listing.clone() };
    let found = tx.permissions(call.organization(), id, call.user_id(), &wanted).await?;
    let granted = grant(found, call, Power::View)?;
    if let Some(creator) = &granted.get().draft_of
        && !granted.may_finish_draft_of(creator, call)
    {
        return Err(Refusal::Hidden.into());
    }
    let mut permissions = granted.into_inner().page;
    let most = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_more = permissions.len() > most;
    permissions.truncate(most);
    let next = permissions.last().filter(|_| has_more).map(Permission::place);
    Ok(PermissionsPage { permissions, next })
}

async fn revoke(tx: &mut Tx, input: &Revocation) -> Result<(), Error> {
    let organization = input.call.organization();
    let item = access::item(tx, &input.call, &input.id, Power::View).await?;
    let Some(revoked) = &input.revoked else {
        item.require(Power::Revoke)?;
        let gone = tx.remove_permissions(organization, &input.id).await?;
        return record_revocation(tx, input, item.get(), gone).await;
    };
    let (id, principal) = match revoked {
        Revoked::Id(id) => (id.clone(), None),
        Revoked::Principal(principal) => (principal.id().to_owned(), Some(principal.clone())),
        Revoked::Address(address) => match user_of(tx, organization, address).await? {
            Some(id) => (id.as_str().to_owned(), Some(Principal::User(id))),
            None => return Ok(item.require(Power::Revoke)?),
        },
        Revoked::Nobody => return Ok(item.require(Power::Revoke)?),
    };
    item.may_revoke(&id, principal.as_ref(), input.call.user_id())?;
    let gone = tx.remove_permission(organization, &input.id, &id, principal.as_ref()).await?;
    record_revocation(tx, input, item.get(), gone).await
}

async fn record_revocation(
    tx: &mut Tx,
    input: &Revocation,
    item: &Item,
    gone: Vec<Principal>,
) -> Result<(), Error> {
    let (links, people): (Vec<_>, Vec<_>) = gone.into_iter().partition(is_link);
    let deeds = [(Deed::Unshared, people), (Deed::RemovedLink, links)];
    let stamp = (&input.activity, input.now);
    record_principals(tx, &input.call, stamp, item, deeds).await
}
