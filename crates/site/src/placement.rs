//! Where items stand: rename, move, recycle, restore. One row changes, whatever hangs below.

use docharbor_domain::{
    ActivityId, Call, Deed, Document, Folder, FolderId, Granted, Item, ItemKind, Life, Power,
    Refusal, ResourceId, ResourceName, Subject, Timestamp, UserId,
};
use docharbor_metadata::{Placement, Tx};

use crate::activities::{activity, record};
use crate::extraction::extension;
use crate::folders::{add_item, changing, name_taken};
use crate::indexing::{index_folder, index_version};
use crate::{Error, Site, access};

/// What is to change about where an item stands; what is `None` stays.
#[derive(Clone, Debug)]
pub struct ItemUpdate {
    /// The item.
    pub id: ResourceId,
    /// What the caller takes the item for.
    pub kind: ItemKind,
    /// Its new name.
    pub name: Option<ResourceName>,
    /// The folder it is to stand in.
    pub parent: Option<FolderId>,
    /// Into the recycle bin, or out of it.
    pub state: Option<StateChange>,
}

/// Into the recycle bin, or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// `ResourceState` RECYCLED.
    Recycle,
    /// `ResourceState` ACTIVE.
    Restore,
}

#[derive(Clone)]
struct Update {
    call: Call,
    wanted: ItemUpdate,
    now: Timestamp,
    activity: ActivityId,
}

impl Site {
    /// Renames, moves, recycles or restores a folder or document.
    pub async fn update_item(&self, call: &Call, update: ItemUpdate) -> Result<(), Error> {
        if update.state == Some(StateChange::Recycle)
            && (update.name.is_some() || update.parent.is_some())
        {
            return Err(Refusal::Invalid {
                member: "ResourceState",
                reason: "RECYCLED stands alone: leave Name and ParentFolderId out",
            }
            .into());
        }
        let (now, activity) = (self.now(), self.activity_id());
        let input = Update { call: call.clone(), wanted: update, now, activity };
        self.change(call, input, |tx, input| Box::pin(update_item(tx, input))).await
    }
}

async fn update_item(tx: &mut Tx, input: &Update) -> Result<(), Error> {
    let Update { call, wanted: update, .. } = input;
    let item = access::item(tx, call, &update.id, Power::View).await?;
    let is_document = matches!(item.get(), Item::Document(_));
    if is_document != (update.kind == ItemKind::Document) {
        return Err(Refusal::Hidden.into());
    }
    match (update.state, item.is_recycled()) {
        (Some(StateChange::Recycle), true) => Ok(item.require(Power::Restore)?),
        (Some(StateChange::Recycle), false) => {
            item.require(Power::Manage)?;
            recycle(tx, input, &item).await
        }
        (Some(StateChange::Restore), true) => {
            item.require(Power::Restore)?;
            let to = restored_to(tx, call, item.get(), update.parent.as_ref()).await?;
            place(tx, input, &item, &to).await
        }
        (Some(StateChange::Restore) | None, _) => {
            item.require(Power::Manage)?;
            let from = item.standing_in()?.clone();
            if update.name.is_none() && update.parent.as_ref().is_none_or(|to| *to == from) {
                return Ok(());
            }
            let to = update.parent.clone().unwrap_or(from);
            place(tx, input, &item, &to).await
        }
    }
}

/// Puts an item into its owner's recycle bin.
async fn recycle(tx: &mut Tx, input: &Update, item: &Granted<Item>) -> Result<(), Error> {
    let Update { call, now, .. } = input;
    let organization = call.organization();
    let from = item.standing_in()?;
    let owner = tx.user(organization, item.get().owner()).await?.ok_or(Refusal::Hidden)?;
    let id = ResourceId::new(item.get().id());
    hold(tx, call, item, from, (0, &owner.recycle_bin)).await?;
    tx.recycle_item(organization, &id, &owner.recycle_bin, *now).await?;
    tx.touch_folder(organization, from, *now).await?;
    record(tx, organization, &activity(call, &input.activity, *now, Deed::Recycled, item.get()))
        .await
}

/// The folder an item is restored to: the one that is asked for, else the one it stood in, else its
/// owner's root.
async fn restored_to(
    tx: &mut Tx,
    call: &Call,
    item: &Item,
    wanted: Option<&FolderId>,
) -> Result<FolderId, Error> {
    if let Some(wanted) = wanted {
        return Ok(wanted.clone());
    }
    let organization = call.organization();
    if let Some(former) = tx.former_parent(organization, &ResourceId::new(item.id())).await? {
        let found = tx.item(organization, &former.clone().into(), None).await?;
        if found.is_some_and(|found| found.life == Life::Live && found.owner == *item.owner()) {
            return Ok(former);
        }
    }
    let owner = tx.user(organization, item.owner()).await?.ok_or(Refusal::Hidden)?;
    Ok(owner.root_folder)
}

/// Puts an item into a folder, under a new name where one is given.
async fn place(
    tx: &mut Tx,
    input: &Update,
    item: &Granted<Item>,
    to: &FolderId,
) -> Result<(), Error> {
    let Update { call, wanted: update, now, .. } = input;
    let organization = call.organization();
    let from = item.standing_in()?;
    let id = ResourceId::new(item.get().id());
    // What is restored to where it stands was asked for in vain: a recycle bin takes nothing.
    let owner = if to == from && !item.is_recycled() {
        tx.lock_item(organization, from, &id).await?.ok_or_else(changing)?;
        item.get().owner().clone()
    } else {
        let target = destination(tx, call, item, to).await?;
        hold(tx, call, item, from, (target.depth(), to)).await?;
        target.into_inner().owner
    };
    if let Item::Document(document) = item.get()
        && owner != document.owner
    {
        hand_over(tx, call, document, &owner).await?;
    }
    let name = update.name.as_ref();
    let placement = Placement { parent: to, name, owner: &owner, now: *now };
    if !tx.place_item(organization, &id, placement).await? {
        return Err(name_taken().into());
    }
    if let Some(name) = name {
        rename(tx, call, item.get(), name, *now).await?;
    }
    tx.touch_folder(organization, from, *now).await?;
    if to != from {
        tx.touch_folder(organization, to, *now).await?;
    }
    record_placement(tx, input, item, to, &owner).await
}

/// Writes down each of the things that one update did: restored, moved, renamed.
async fn record_placement(
    tx: &mut Tx,
    input: &Update,
    item: &Granted<Item>,
    to: &FolderId,
    owner: &UserId,
) -> Result<(), Error> {
    let Update { call, wanted, now, .. } = input;
    let before = Subject::from(item.get());
    let name = wanted.name.clone().unwrap_or_else(|| before.name.clone());
    let subject = Subject {
        name: name.clone(),
        owner: owner.clone(),
        parent: Some(to.clone()),
        ..before.clone()
    };
    let is_renamed = name != before.name;
    let is_moved = !item.is_recycled() && before.parent.as_ref() != Some(to);
    let deeds = [
        (item.is_recycled(), Deed::Restored),
        (is_moved, Deed::Moved),
        (is_renamed, Deed::Renamed),
    ];
    for (number, (_, deed)) in deeds.into_iter().filter(|(is_done, _)| *is_done).enumerate() {
        let id = input.activity.nth(number);
        let mut done = activity(call, &id, *now, deed, subject.clone());
        match deed {
            Deed::Moved => done.original_parent.clone_from(&before.parent),
            Deed::Renamed => done.original_name = Some(before.name.clone()),
            _ => {}
        }
        record(tx, call.organization(), &done).await?;
    }
    Ok(())
}

/// What goes with the new name of a locked item.
async fn rename(
    tx: &mut Tx,
    call: &Call,
    item: &Item,
    name: &ResourceName,
    now: Timestamp,
) -> Result<(), Error> {
    let organization = call.organization();
    match item {
        Item::Folder(folder) => index_folder(tx, organization, &folder.id, name).await,
        Item::Document(document) => {
            // Another version may stand for it by now than when it was read.
            let renamed = tx.rename_latest_version(organization, &document.id, name).await?;
            let Some((version, content_type)) = renamed else { return Ok(()) };
            if extension(name) != extension(&document.latest.name) {
                // What it is read as goes by that.
                tx.extract_again(organization, &document.id, &version, now).await?;
            }
            index_version(tx, organization, &document.id, &version, name, &content_type, false)
                .await
                .map(drop)
        }
    }
}

/// Holds a folder to what an item may be moved into.
///
/// Whoever moves a folder holds the organization's row meanwhile, so that no two moves can make a
/// cycle of folders that neither of them sees.
async fn destination(
    tx: &mut Tx,
    call: &Call,
    item: &Granted<Item>,
    to: &FolderId,
) -> Result<Granted<Folder>, Error> {
    let organization = call.organization();
    if matches!(item.get(), Item::Folder(_)) {
        tx.lock_organization(organization).await?;
    }
    let target: Granted<Folder> = access::folder(tx, call, to, Power::Contribute).await?;
    target.require_room_for_child()?;
    if let Item::Folder(folder) = item.get() {
        if tx.is_below(organization, to, &folder.id.clone().into()).await? {
            return Err(Refusal::Conflicting(
                "a folder cannot be moved into itself or a folder below it",
            )
            .into());
        }
        if target.get().owner != folder.owner {
            return Err(Refusal::ProhibitedState(
                "a folder moves only within the tree of its owner; move its documents instead",
            )
            .into());
        }
        if target.depth() + 1 > item.depth() {
            let levels = tx.levels_below(organization, &folder.id).await?;
            target.require_room_for_levels(levels)?;
        }
    }
    Ok(target)
}

/// Counts an item out of one folder and into another, and holds it.
///
/// The higher folder is held first and then the one of the lower id, because whoever changes an item
/// holds its folder before it: the other way round two calls would wait for each other.
async fn hold(
    tx: &mut Tx,
    call: &Call,
    item: &Granted<Item>,
    from: &FolderId,
    (to_depth, to): (i64, &FolderId),
) -> Result<(), Error> {
    let organization = call.organization();
    let id = ResourceId::new(item.get().id());
    let mut steps = vec![(item.depth() - 1, from.as_str()), (to_depth, to.as_str())];
    if matches!(item.get(), Item::Folder(_)) {
        steps.push((item.depth(), id.as_str()));
    }
    steps.sort_unstable();
    for (_depth, folder) in steps {
        if folder == from.as_str() {
            tx.count_items(organization, from, -1).await?;
        } else if folder == to.as_str() {
            add_item(tx, call, to).await?;
        } else {
            tx.lock_item(organization, from, &id).await?.ok_or_else(changing)?;
        }
    }
    if matches!(item.get(), Item::Document(_)) {
        tx.lock_item(organization, from, &id).await?.ok_or_else(changing)?;
    }
    Ok(())
}

/// Makes another user pay for a document that comes into their tree.
async fn hand_over(
    tx: &mut Tx,
    call: &Call,
    document: &Document,
    to: &UserId,
) -> Result<(), Error> {
    let organization = call.organization();
    let charged = tx.charged(organization, &document.id).await?;
    if charged.drafts > 0 {
        return Err(Refusal::ProhibitedState(
            "an upload of the document is going on: finish or abort it, then move the document",
        )
        .into());
    }
    // In the order of the users' ids, so that no two hand-overs wait for each other.
    let mut changes = [(&document.owner, -charged.bytes), (to, charged.bytes)];
    changes.sort_unstable();
    for (user, bytes) in changes {
        if bytes == 0 || tx.charge(organization, user, bytes).await? {
            continue;
        }
        if bytes < 0 {
            // The owner is being deleted with all they have.
            return Err(Refusal::Hidden.into());
        }
        return Err(Refusal::LimitExceeded(
            "the owner of the target folder has no storage left for the document",
        )
        .into());
    }
    tx.remove_permission(organization, &document.id.clone().into(), to.as_str(), None).await?;
    Ok(())
}
