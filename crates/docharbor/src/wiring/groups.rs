//! What the commands about groups need of the site.

use docharbor_domain::{GroupId, Refusal};
use docharbor_site::Error;
use serde::Serialize;

use super::deed::Deed;
use super::{beside, failed};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// A group, as `docharbor group list` prints it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) from_directory: bool,
}

/// What is done with a member of a group.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Begins,
    Ends,
}

/// Makes a group, and answers its id.
pub(crate) async fn create_group(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    name: &str,
) -> Result<GroupId, Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "CreateGroup").await?;
    let made = deed.site.create_group(&organization, name).await;
    if let Ok(id) = &made {
        deed.made("groupId", id.as_str());
    }
    deed.done(made.map_err(|error| match error {
        Error::Refused(refusal @ Refusal::AlreadyExists(_)) => Failure::failed(
            "No group was made",
            refusal,
            "add members to the group there is: docharbor group add-member GROUP MEMBER",
        ),
        Error::Refused(refusal) => {
            Failure::usage("No group was made", refusal, "choose another name")
        }
        error => failed(&error),
    }))
}

/// Every group of the site, by name.
pub(crate) async fn list_groups(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Vec<ListedGroup>, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let groups = site.all_groups(&organization).await.map_err(|error| failed(&error))?;
    let listed = groups.into_iter().map(|group| ListedGroup {
        id: group.id.to_string(),
        name: group.name,
        from_directory: group.is_from_directory,
    });
    Ok(listed.collect())
}

/// Deletes a group, named by name or id.
pub(crate) async fn delete_group(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    group: &str,
) -> Result<(), Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "DeleteGroup").await?;
    deed.about("groupId", group);
    let deleted = deed.site.delete_group(&organization, group).await;
    deed.done(deleted.map_err(|error| match error {
        Error::Refused(refusal) => Failure::failed(
            "No group was deleted",
            refusal,
            "give the name or the id of a group: docharbor group list",
        ),
        error => failed(&error),
    }))
}

/// Puts a user or a group into a group or takes them out, each named by name or id.
pub(crate) async fn change_group_member(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    change: Change,
    group: &str,
    member: &str,
) -> Result<(), Failure> {
    let name = match change {
        Change::Begins => "AddGroupMember",
        Change::Ends => "RemoveGroupMember",
    };
    let (mut deed, organization) = Deed::begin(configuration, directory, master_key, name).await?;
    deed.about("groupId", group);
    deed.about("memberId", member);
    let (done, what) = match change {
        Change::Begins => (
            deed.site.add_group_member(&organization, group, member).await,
            "Nobody was put into a group",
        ),
        Change::Ends => (
            deed.site.remove_group_member(&organization, group, member).await,
            "Nobody was taken out of a group",
        ),
    };
    deed.done(done.map_err(|error| match error {
        Error::Refused(refusal) => Failure::failed(
            what,
            refusal,
            "give the name or the id of a group, and of a user or group, of this site",
        ),
        error => failed(&error),
    }))
}
