//! Groups of the built-in directory, who is in them, and the search for them.

use docharbor_domain::{
    Call, GroupId, Identity, OrganizationId, Refusal, Timestamp, UserId, UserType,
};
use docharbor_metadata::{Group, GroupListing, Inserted, Member, Tx};

use crate::{Error, Site};

/// Characters a group's name may have.
const NAME_MAX_CHARS: usize = 256;

/// Groups that are read at a time for a list of all.
const ALL_GROUPS_PAGE: i64 = 1_000;

struct NewGroup {
    organization: OrganizationId,
    id: GroupId,
    name: String,
    now: Timestamp,
}

/// A page of groups.
#[derive(Clone)]
pub struct GroupsPage {
    /// The groups on it, by name.
    pub groups: Vec<Group>,
    /// The name key behind which the next page begins, if there is one.
    pub next: Option<String>,
}

impl Site {
    /// Reads a page of the groups whose names have words that begin as those asked for.
    ///
    /// Guests may not: they see what is shared with them, not who works here.
    pub async fn groups(&self, call: &Call, listing: GroupListing) -> Result<GroupsPage, Error> {
        if let Identity::User(user) = &call.caller().identity
            && user.user_type == UserType::MinimalUser
        {
            return Err(Refusal::NotAllowed("guests do not see the groups of the site").into());
        }
        self.groups_page(call.organization(), listing).await
    }

    /// Reads every group of a site.
    pub async fn all_groups(&self, organization: &OrganizationId) -> Result<Vec<Group>, Error> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let listing = GroupListing { words: Vec::new(), after, limit: ALL_GROUPS_PAGE };
            let page = self.groups_page(organization, listing).await?;
            all.extend(page.groups);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    async fn groups_page(
        &self,
        organization: &OrganizationId,
        mut listing: GroupListing,
    ) -> Result<GroupsPage, Error> {
        let wanted = usize::try_from(listing.limit).unwrap_or(usize::MAX);
        // One more than the page holds tells whether another page follows.
        listing.limit = listing.limit.saturating_add(1);
        let input = (organization.clone(), listing);
        let mut groups = self
            .read(input, |tx, (organization, listing)| {
                Box::pin(async move { Ok(tx.groups(organization, listing).await?) })
            })
            .await?;
        let has_more = groups.len() > wanted;
        groups.truncate(wanted);
        let next = groups.last().filter(|_| has_more).map(|group| group.name_key.clone());
        Ok(GroupsPage { groups, next })
    }

    /// Makes a group. Nobody is in it yet.
    pub async fn create_group(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<GroupId, Error> {
        let name = name.trim();
        let is_name = !name.is_empty()
            && name.chars().count() <= NAME_MAX_CHARS
            && !name.contains(char::is_control);
        if !is_name {
            return Err(Refusal::Invalid {
                member: "name",
                reason: "must have 1 to 256 characters, none of them a control character",
            }
            .into());
        }
        let input = NewGroup {
            organization: organization.clone(),
            id: GroupId::from_random(organization, self.random()),
            name: name.to_owned(),
            now: self.now(),
        };
        self.write(input, |tx, input| Box::pin(create(tx, input))).await
    }

    /// Deletes a group; what was shared with it is no longer.
    pub async fn delete_group(
        &self,
        organization: &OrganizationId,
        group: &str,
    ) -> Result<(), Error> {
        let input = (organization.clone(), group.to_owned());
        self.write(input, |tx, (organization, group)| Box::pin(delete(tx, organization, group)))
            .await
    }

    /// Puts a user, or everybody of another group, into a group, each named by id or by name. Who is
    /// in it already stays.
    pub async fn add_group_member(
        &self,
        organization: &OrganizationId,
        group: &str,
        member: &str,
    ) -> Result<(), Error> {
        let input = (organization.clone(), group.to_owned(), member.to_owned());
        self.write(input, |tx, (organization, group, member)| {
            Box::pin(async move {
                let (group, member) = both(tx, organization, group, member).await?;
                tx.add_group_member(organization, &group, &member).await?;
                Ok(tx.recompute_members(organization, &group).await?)
            })
        })
        .await
    }

    /// Takes a user or a group out of a group again, from the next request on.
    pub async fn remove_group_member(
        &self,
        organization: &OrganizationId,
        group: &str,
        member: &str,
    ) -> Result<(), Error> {
        let input = (organization.clone(), group.to_owned(), member.to_owned());
        self.write(input, |tx, (organization, group, member)| {
            Box::pin(async move {
                let (group, found) = both(tx, organization, group, member).await?;
                if !tx.remove_group_member(organization, &group, &found).await? {
                    let ids = vec![member.clone()];
                    return Err(Refusal::NotFound { what: "the member", ids }.into());
                }
                Ok(tx.recompute_members(organization, &group).await?)
            })
        })
        .await
    }
}

async fn create(tx: &mut Tx, input: &NewGroup) -> Result<GroupId, Error> {
    match tx.insert_group(&input.organization, &input.id, &input.name, input.now).await? {
        Inserted::Yes => Ok(input.id.clone()),
        Inserted::Duplicate => Err(Refusal::AlreadyExists(
            "the site already has a group of this name; choose another name",
        )
        .into()),
    }
}

async fn delete(tx: &mut Tx, organization: &OrganizationId, group: &str) -> Result<(), Error> {
    tx.lock_organization(organization).await?;
    let group = own_group(tx, organization, group).await?;
    tx.remove_principal(organization, group.as_str()).await?;
    Ok(tx.delete_group(organization, &group).await?)
}

/// Finds a group that is ours to change and a member for it, and holds the organization.
async fn both(
    tx: &mut Tx,
    organization: &OrganizationId,
    group: &str,
    member: &str,
) -> Result<(GroupId, Member), Error> {
    tx.lock_organization(organization).await?;
    let group = own_group(tx, organization, group).await?;
    let member = find_member(tx, organization, member).await?;
    if member == Member::Group(group.clone()) {
        return Err(Refusal::Conflicting("a group cannot be put into itself").into());
    }
    Ok((group, member))
}

/// The group, unless a connected directory says who is in it.
async fn own_group(
    tx: &mut Tx,
    organization: &OrganizationId,
    text: &str,
) -> Result<GroupId, Error> {
    let Some(group) = find_group(tx, organization, text).await? else {
        return Err(Refusal::NotFound { what: "the group", ids: vec![text.to_owned()] }.into());
    };
    if group.is_from_directory {
        let reason = "the group comes from the connected directory; change it there";
        return Err(Refusal::NotAllowed(reason).into());
    }
    Ok(group.id)
}

async fn find_group(
    tx: &mut Tx,
    organization: &OrganizationId,
    text: &str,
) -> Result<Option<Group>, Error> {
    if let Some(group) = tx.group_kept(organization, &GroupId::new(text)).await? {
        return Ok(Some(group));
    }
    match tx.group_by_name(organization, text.trim()).await? {
        Some(id) => Ok(tx.group_kept(organization, &id).await?),
        None => Ok(None),
    }
}

/// A name that a user and a group share could mean either, so neither is taken.
async fn find_member(
    tx: &mut Tx,
    organization: &OrganizationId,
    text: &str,
) -> Result<Member, Error> {
    let user = find_user(tx, organization, text).await?;
    let group = find_group(tx, organization, text).await?;
    match (user, group) {
        (Some(user), None) => Ok(Member::User(user)),
        (None, Some(group)) => Ok(Member::Group(group.id)),
        (Some(_), Some(_)) => Err(Refusal::Conflicting(
            "a user and a group have this name; give the id of the one that is meant",
        )
        .into()),
        (None, None) => {
            let ids = vec![text.to_owned()];
            Err(Refusal::NotFound { what: "the user or group", ids }.into())
        }
    }
}

/// The user is kept from being deleted: nobody is in a group who is not there.
async fn find_user(
    tx: &mut Tx,
    organization: &OrganizationId,
    text: &str,
) -> Result<Option<UserId>, Error> {
    let named = UserId::new(text);
    if tx.user_type_kept(organization, &named).await?.is_some() {
        return Ok(Some(named));
    }
    if let Some(user) = tx.user_by_name(organization, text).await?
        && tx.user_type_kept(organization, &user.id).await?.is_some()
    {
        return Ok(Some(user.id));
    }
    Ok(None)
}
