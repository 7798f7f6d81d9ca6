//! Groups of the built-in directory.

use docharbor_domain::{GroupId, OrganizationId, Refusal, Timestamp, UserId};
use docharbor_metadata::{Inserted, Tx};

use crate::{Error, Site};

/// Characters a group's name may have.
const NAME_MAX_CHARS: usize = 256;

struct NewGroup {
    organization: OrganizationId,
    id: GroupId,
    name: String,
    now: Timestamp,
}

impl Site {
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

    /// Puts a user into a group, each named by id or by name. Who is in it already stays.
    pub async fn add_group_member(
        &self,
        organization: &OrganizationId,
        group: &str,
        user: &str,
    ) -> Result<(), Error> {
        let input = (organization.clone(), group.to_owned(), user.to_owned());
        self.write(input, |tx, (organization, group, user)| {
            Box::pin(add_member(tx, organization, group, user))
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

async fn add_member(
    tx: &mut Tx,
    organization: &OrganizationId,
    group: &str,
    user: &str,
) -> Result<(), Error> {
    let group = find_group(tx, organization, group).await?;
    let user = find_user(tx, organization, user).await?;
    tx.add_group_member(organization, &group, &user).await?;
    Ok(())
}

async fn find_group(
    tx: &mut Tx,
    organization: &OrganizationId,
    text: &str,
) -> Result<GroupId, Error> {
    let named = GroupId::new(text);
    if tx.has_group_kept(organization, &named).await? {
        return Ok(named);
    }
    if let Some(id) = tx.group_by_name(organization, text.trim()).await?
        && tx.has_group_kept(organization, &id).await?
    {
        return Ok(id);
    }
    Err(Refusal::NotFound { what: "the group", ids: vec![text.to_owned()] }.into())
}

/// The user is kept from being deleted: nobody is in a group who is not there.
async fn find_user(
    tx: &mut Tx,
    organization: &OrganizationId,
    text: &str,
) -> Result<UserId, Error> {
    let named = UserId::new(text);
    if tx.user_type_kept(organization, &named).await?.is_some() {
        return Ok(named);
    }
    if let Some(user) = tx.user_by_name(organization, text).await?
        && tx.user_type_kept(organization, &user.id).await?.is_some()
    {
        return Ok(user.id);
    }
    Err(Refusal::NotFound { what: "the user", ids: vec![text.to_owned()] }.into())
}
