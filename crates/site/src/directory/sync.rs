//! What the directory says of people and groups, written into the site.
//!
//! Nobody is ever deleted: who is gone from the directory, or disabled there, becomes INACTIVE and
//! keeps everything; who comes back is what they were before. Each step is one short transaction.

use std::collections::{HashMap, HashSet};

use docharbor_directory::{DirectoryError, Group, Person};
use docharbor_domain::{
    Folder, FolderId, GroupId, OrganizationId, StorageRule, Timestamp, User, UserId, UserStatus,
    UserType,
};
use docharbor_metadata::{DirectoryUser, Inserted, Member, Tx};

use crate::{Error, Site};

/// People one transaction writes at the most.
const PEOPLE_AT_ONCE: usize = 100;

/// Memberships one transaction changes at the most.
const MEMBERS_AT_ONCE: usize = 1_000;

/// Characters of a name that are kept.
const NAME_MAX_CHARS: usize = 256;

/// What a reading of the directory changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// People who became users.
    pub added: u64,
    /// Users whose names, address or status changed.
    pub changed: u64,
    /// Users whom the directory no longer has, or has disabled.
    pub deactivated: u64,
    /// People and groups left out, because a name is taken by somebody else.
    pub skipped: u64,
    /// Groups that were added or renamed.
    pub groups: u64,
    /// Memberships that came or went.
    pub memberships: u64,
}

/// What is written about one person.
#[derive(Clone)]
enum Step {
    Add {
        user: Box<User>,
        folders: Box<[Folder; 2]>,
        key: String,
        before: Option<UserStatus>,
    },
    /// `None` where the directory no longer has them.
    Change {
        id: UserId,
        person: Option<Box<Person>>,
        now: Timestamp,
    },
}

#[derive(Clone, Copy)]
enum Done {
    Added,
    Changed,
    Deactivated,
    Skipped,
    Nothing,
}

impl Site {
    /// Reads everybody and every group of the site's directory. None if the site has none.
    pub async fn sync_directory(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<SyncReport>, Error> {
        let Some(directory) = self.directory_of(organization).await? else { return Ok(None) };
        let people = directory.people().await?;
        let groups = directory.groups().await?;
        let known = self
            .read(organization.clone(), |tx, organization| {
                Box::pin(async move { Ok(tx.directory_users(organization).await?) })
            })
            .await?;
        if people.is_empty() && !known.is_empty() {
            return Err(DirectoryError::Nobody.into());
        }
        let mut report = SyncReport::default();
        let steps = self.steps(organization, &people, known);
        for some in steps.chunks(PEOPLE_AT_ONCE) {
            let input = (organization.clone(), some.to_vec());
            let done = self
                .write(input, |tx, (organization, steps)| {
                    Box::pin(write_people(tx, organization, steps))
                })
                .await?;
            for done in done {
                *match done {
                    Done::Added => &mut report.added,
                    Done::Changed => &mut report.changed,
                    Done::Deactivated => &mut report.deactivated,
                    Done::Skipped => &mut report.skipped,
                    Done::Nothing => continue,
                } += 1;
            }
        }
        self.write_groups(organization, &groups, &mut report).await?;
        self.write_members(organization, &people, &groups, &mut report).await?;
        let input = (organization.clone(), self.now());
        self.write(input, |tx, (organization, now)| {
            Box::pin(async move { Ok(tx.set_directory_synced(organization, *now).await?) })
        })
        .await?;
        Ok(Some(report))
    }

    /// What is to be written, so that the users are those the directory has.
    fn steps(
        &self,
        organization: &OrganizationId,
        people: &[Person],
        known: Vec<DirectoryUser>,
    ) -> Vec<Step> {
        let now = self.now();
        let mut known: HashMap<_, _> =
            known.into_iter().map(|user| (user.key.clone(), user)).collect();
        let mut steps = Vec::new();
        for person in people {
            match known.remove(&person.key) {
                None => steps.push(self.addition(organization, person, now)),
                Some(was) => {
                    if wanted(&was, Some(person)) != was {
                        let person = Some(Box::new(person.clone()));
                        steps.push(Step::Change { id: was.id, person, now });
                    }
                }
            }
        }
        // Those who are gone leave their names to others first.
        let gone = known.into_values().filter_map(|was| {
            (wanted(&was, None) != was).then_some(Step::Change { id: was.id, person: None, now })
        });
        gone.collect::<Vec<_>>().into_iter().chain(steps).collect()
    }

    fn addition(&self, organization: &OrganizationId, person: &Person, now: Timestamp) -> Step {
        let id = match &person.sid {
            Some(sid) => UserId::new(format!("{sid}&{organization}")),
            None => UserId::from_random(organization, lasting(organization, &person.key)),
        };
        let [root, bin] = [self.random(), self.random()].map(FolderId::from_random);
        let folders = Box::new(Folder::new_roots(&id, root.clone(), bin.clone(), now));
        let (status, before) = if person.is_disabled {
            (UserStatus::Inactive, Some(UserStatus::Pending))
        } else {
            (UserStatus::Pending, None)
        };
        let user = User {
            id,
            organization: organization.clone(),
            username: kept(&person.username),
            email: person.email.as_deref().map(kept),
            given_name: kept(&person.given_name),
            surname: kept(&person.surname),
            status,
            user_type: UserType::User,
            time_zone: None,
            locale: None,
            storage_rule: StorageRule::Quota(self.settings().users_default_quota_bytes),
            storage_used_bytes: 0,
            root_folder: root,
            recycle_bin: bin,
            created: now,
            modified: now,
        };
        Step::Add { user: Box::new(user), folders, key: person.key.clone(), before }
    }

    async fn write_groups(
        &self,
        organization: &OrganizationId,
        groups: &[Group],
        report: &mut SyncReport,
    ) -> Result<(), Error> {
        let known = self
            .read(organization.clone(), |tx, organization| {
                Box::pin(async move { Ok(tx.directory_groups(organization).await?) })
            })
            .await?;
        let known: HashMap<_, _> =
            known.into_iter().map(|group| (group.key.clone(), group)).collect();
        for group in groups {
            let name = kept(&group.name);
            let was = known.get(&group.key);
            if was.is_some_and(|was| was.name == name) {
                continue;
            }
            let id = was.map_or_else(|| group_id(organization, group), |was| was.id.clone());
            let input =
                (organization.clone(), id, name, group.key.clone(), was.is_some(), self.now());
            let is_written = self
                .write(input, |tx, (organization, id, name, key, is_known, now)| {
                    Box::pin(async move {
                        if *is_known {
                            return Ok(tx.rename_directory_group(organization, id, name).await?);
                        }
                        match tx.insert_group(organization, id, name, *now).await? {
                            Inserted::Duplicate => Ok(false),
                            Inserted::Yes => {
                                tx.set_group_directory_key(organization, id, key).await?;
                                Ok::<_, Error>(true)
                            }
                        }
                    })
                })
                .await?;
            *if is_written { &mut report.groups } else { &mut report.skipped } += 1;
        }
        Ok(())
    }

    /// Writes who is in the directory's groups. A group that is gone there is empty here.
    async fn write_members(
        &self,
        organization: &OrganizationId,
        people: &[Person],
        groups: &[Group],
        report: &mut SyncReport,
    ) -> Result<(), Error> {
        let (users, known, there) = self
            .read(organization.clone(), |tx, organization| {
                Box::pin(async move {
                    let users = tx.directory_users(organization).await?;
                    let groups = tx.directory_groups(organization).await?;
                    Ok((users, groups, tx.directory_members(organization).await?))
                })
            })
            .await?;
        let users: HashMap<_, _> = users.into_iter().map(|user| (user.key, user.id)).collect();
        let known: HashMap<_, _> = known.into_iter().map(|group| (group.key, group.id)).collect();
        let mut by_dn: HashMap<&str, Member> = HashMap::new();
        for person in people {
            let user = users.get(&person.key).cloned().map(Member::User);
            by_dn.extend(user.map(|user| (person.dn.as_str(), user)));
        }
        for group in groups {
            let id = known.get(&group.key).cloned().map(Member::Group);
            by_dn.extend(id.map(|id| (group.dn.as_str(), id)));
        }
        let there: HashSet<(GroupId, Member)> = there.into_iter().collect();
        let mut wanted = HashSet::new();
        for group in groups {
            let Some(id) = known.get(&group.key) else { continue };
            let members = group.members.iter().filter_map(|dn| by_dn.get(dn.as_str()));
            wanted.extend(members.map(|member| (id.clone(), member.clone())));
        }
        let gone = there.difference(&wanted).map(|change| (change.clone(), false));
        let new = wanted.difference(&there).map(|change| (change.clone(), true));
        let changes: Vec<_> = gone.chain(new).collect();
        for some in changes.chunks(MEMBERS_AT_ONCE) {
            let input = (organization.clone(), some.to_vec());
            report.memberships += self
                .write(input, |tx, (organization, changes)| {
                    Box::pin(write_memberships(tx, organization, changes))
                })
                .await?;
        }
        Ok(())
    }
}

async fn write_people(
    tx: &mut Tx,
    organization: &OrganizationId,
    steps: &[Step],
) -> Result<Vec<Done>, Error> {
    let mut done = Vec::with_capacity(steps.len());
    for step in steps {
        done.push(match step {
            Step::Add { user, folders, key, before } => {
                add(tx, user, folders.as_slice(), key, *before).await?
            }
            Step::Change { id, person, now } => {
                change(tx, organization, id, person.as_deref(), *now).await?
            }
        });
    }
    Ok(done)
}

/// Adds a person as a user who waits to be activated. They have no password here.
async fn add(
    tx: &mut Tx,
    user: &User,
    folders: &[Folder],
    key: &str,
    before: Option<UserStatus>,
) -> Result<Done, Error> {
    let organization = &user.organization;
    if tx.insert_user(user, "").await? == Inserted::Duplicate {
        return Ok(Done::Skipped);
    }
    for folder in folders {
        tx.insert_folder(organization, folder).await?;
    }
    tx.set_directory_key(organization, &user.id, key, before).await?;
    Ok(Done::Added)
}

/// Writes what the directory says of a user as they are now: an administrator may have deactivated
/// them since everybody was read.
async fn change(
    tx: &mut Tx,
    organization: &OrganizationId,
    id: &UserId,
    person: Option<&Person>,
    now: Timestamp,
) -> Result<Done, Error> {
    let Some(was) = tx.directory_user_locked(organization, id).await? else {
        return Ok(Done::Nothing);
    };
    let Some(mut user) = tx.user(organization, id).await? else { return Ok(Done::Nothing) };
    let wanted = wanted(&was, person);
    if wanted == was {
        return Ok(Done::Nothing);
    }
    let is_deactivated =
        user.status != UserStatus::Inactive && wanted.status == UserStatus::Inactive;
    user.username.clone_from(&wanted.username);
    user.email.clone_from(&wanted.email);
    user.given_name.clone_from(&wanted.given_name);
    user.surname.clone_from(&wanted.surname);
    user.status = wanted.status;
    user.modified = now;
    if !tx.update_directory_user(&user, wanted.status_before).await? {
        return Ok(Done::Skipped);
    }
    if is_deactivated {
        tx.delete_web_sessions(organization, &user.id).await?;
        return Ok(Done::Deactivated);
    }
    Ok(Done::Changed)
}

async fn write_memberships(
    tx: &mut Tx,
    organization: &OrganizationId,
    changes: &[((GroupId, Member), bool)],
) -> Result<u64, Error> {
    tx.lock_organization(organization).await?;
    let mut written = 0;
    for ((group, member), is_new) in changes {
        if !is_new {
            written += u64::from(tx.remove_group_member(organization, group, member).await?);
            continue;
        }
        // A user may have been deleted meanwhile; nobody is in a group who is not there.
        let is_there = match member {
            Member::User(user) => tx.user_type_kept(organization, user).await?.is_some(),
            Member::Group(group) => tx.group_kept(organization, group).await?.is_some(),
        };
        if is_there && tx.group_kept(organization, group).await?.is_some() {
            let added = tx.add_group_member(organization, group, member).await?;
            written += u64::from(added == Inserted::Yes);
        }
    }
    tx.recompute_all_members(organization).await?;
    Ok(written)
}

/// What a user is to be, by what the directory says of them; `None` when it no longer has them.
fn wanted(was: &DirectoryUser, person: Option<&Person>) -> DirectoryUser {
    let mut user = was.clone();
    if let Some(person) = person {
        user.username = kept(&person.username);
        user.email = person.email.as_deref().map(kept);
        user.given_name = kept(&person.given_name);
        user.surname = kept(&person.surname);
    }
    if person.is_some_and(|person| !person.is_disabled) {
        if let Some(before) = user.status_before.take()
            && user.status == UserStatus::Inactive
        {
            user.status = before;
        }
    } else {
        if user.status_before.is_none() || user.status != UserStatus::Inactive {
            user.status_before = Some(user.status);
        }
        user.status = UserStatus::Inactive;
    }
    user
}

fn group_id(organization: &OrganizationId, group: &Group) -> GroupId {
    match &group.sid {
        Some(sid) => GroupId::new(format!("{sid}&{organization}")),
        None => GroupId::from_random(organization, lasting(organization, &group.key)),
    }
}

/// Bytes that are the same for the same entry, whoever reckons them.
fn lasting(organization: &OrganizationId, key: &str) -> [u8; 16] {
    let text = format!("{organization}|{key}");
    let hash = blake3::derive_key("docharbor 2026-11 ids of directory entries", text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes
}

fn kept(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(NAME_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(status: UserStatus, status_before: Option<UserStatus>) -> DirectoryUser {
        DirectoryUser {
            id: UserId::new("ann"),
            key: "k".to_owned(),
            username: "ann".to_owned(),
            email: None,
            given_name: "Ann".to_owned(),
            surname: "Example".to_owned(),
            status,
            status_before,
        }
    }

    fn person(is_disabled: bool) -> Person {
        Person {
            key: "k".to_owned(),
            sid: None,
            dn: "uid=ann".to_owned(),
            username: "ann".to_owned(),
            email: None,
            given_name: "Ann".to_owned(),
            surname: "Example".to_owned(),
            is_disabled,
        }
    }

    #[test]
    fn who_is_gone_and_comes_back_is_what_they_were() {
        for status in [UserStatus::Active, UserStatus::Pending, UserStatus::Inactive] {
            for absent in [None, Some(person(true))] {
                let gone = wanted(&user(status, None), absent.as_ref());
                assert_eq!(gone, user(UserStatus::Inactive, Some(status)));
                assert_eq!(wanted(&gone, absent.as_ref()), gone);
                assert_eq!(wanted(&gone, Some(&person(false))), user(status, None));
            }
        }
    }

    #[test]
    fn who_was_activated_though_gone_is_inactive_again_at_the_next_reading() {
        let activated = user(UserStatus::Active, Some(UserStatus::Pending));
        let gone = wanted(&activated, None);
        assert_eq!(gone, user(UserStatus::Inactive, Some(UserStatus::Active)));
    }
}
