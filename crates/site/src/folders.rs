//! Folders: make one, read one, delete one with all below it.

use docharbor_domain::limits::FOLDER_TOTALS_ITEMS_MAX;
use docharbor_domain::{
    ActivityId, Call, Deed, Folder, FolderId, FolderTotals, Power, Refusal, ResourceName,
    Timestamp, folder_totals,
};
use docharbor_metadata::{Counted, Inserted, Tx};

use crate::activities::{activity, record};
use crate::indexing::index_folder;
use crate::{Error, Site, access};

/// A folder as it is shown alone, with what stands below it.
#[derive(Clone, Debug)]
pub struct FolderView {
    /// The folder.
    pub folder: Folder,
    /// What stands below it; nothing for a folder too large to add up while somebody waits.
    pub totals: Option<FolderTotals>,
}

#[derive(Clone)]
struct NewFolder {
    call: Call,
    parent: FolderId,
    id: FolderId,
    name: ResourceName,
    now: Timestamp,
    activity: ActivityId,
}

#[derive(Clone)]
struct Deletion {
    call: Call,
    id: FolderId,
    now: Timestamp,
    activity: ActivityId,
}

impl Site {
    /// Makes a folder inside another, where the caller must be able to contribute.
    pub async fn create_folder(
        &self,
        call: &Call,
        parent: FolderId,
        name: ResourceName,
    ) -> Result<Folder, Error> {
        let id = FolderId::from_random(self.random());
        let (now, activity) = (self.now(), self.activity_id());
        let input = NewFolder { call: call.clone(), parent, id, name, now, activity };
        self.change(call, input, |tx, input| Box::pin(create_folder(tx, input))).await
    }

    /// Reads a folder with its size and signature.
    pub async fn folder(&self, call: &Call, id: FolderId) -> Result<FolderView, Error> {
        self.read((call.clone(), id), |tx, (call, id)| Box::pin(read_folder(tx, call, id))).await
    }

    /// Deletes everything in a folder for good; the folder stays.
    pub async fn delete_folder_contents(&self, call: &Call, id: FolderId) -> Result<(), Error> {
        let deletion = self.deletion(call, id);
        let part = || (deletion.clone(), FolderId::from_random(self.random()));
        let mut is_empty = self
            .change(call, part(), |tx, (input, deleted)| {
                Box::pin(delete_contents(tx, input, deleted))
            })
            .await?;
        // Only a recycle bin holds more than one transaction takes out.
        while !is_empty {
            is_empty = self
                .write(part(), |tx, (input, deleted)| Box::pin(delete_contents(tx, input, deleted)))
                .await?;
        }
        self.wake_jobs();
        Ok(())
    }

    /// Deletes a folder and everything below it for good. It is gone for everybody from the answer
    /// on; its rows and bytes go in the background.
    pub async fn delete_folder(&self, call: &Call, id: FolderId) -> Result<(), Error> {
        let input = self.deletion(call, id);
        self.change(call, input, |tx, input| Box::pin(delete_folder(tx, input))).await?;
        self.wake_jobs();
        Ok(())
    }

    fn deletion(&self, call: &Call, id: FolderId) -> Deletion {
        Deletion { call: call.clone(), id, now: self.now(), activity: self.activity_id() }
    }
}

async fn create_folder(tx: &mut Tx, input: &NewFolder) -> Result<Folder, Error> {
    let organization = input.call.organization();
    let parent = access::folder(tx, &input.call, &input.parent, Power::Contribute).await?;
    let folder = parent.new_folder(input.id.clone(), input.name.clone(), input.now)?;
    add_item(tx, &input.call, &input.parent).await?;
    tx.touch_folder(organization, &input.parent, input.now).await?;
    if tx.insert_folder(organization, &folder).await? == Inserted::Duplicate {
        return Err(name_taken().into());
    }
    let done = activity(&input.call, &input.activity, input.now, Deed::CreatedFolder, &folder);
    record(tx, organization, &done).await?;
    index_folder(tx, organization, &folder.id, &folder.name).await?;
    Ok(folder)
}

/// Makes room for one more item of a folder, and keeps the folder from being deleted meanwhile.
pub(crate) async fn add_item(tx: &mut Tx, call: &Call, folder: &FolderId) -> Result<(), Error> {
    match tx.count_items(call.organization(), folder, 1).await? {
        Counted::Yes => Ok(()),
        Counted::Full => Err(Refusal::LimitExceeded(
            "a folder holds at most 100000 items; make another folder, or delete something",
        )
        .into()),
        Counted::Gone => Err(Refusal::Hidden.into()),
    }
}

/// The refusal for a name that another item of the folder has.
pub(crate) fn name_taken() -> Refusal {
    Refusal::AlreadyExists("the folder already has an item of this name; choose another name")
}

pub(crate) async fn read_folder(
    tx: &mut Tx,
    call: &Call,
    id: &FolderId,
) -> Result<FolderView, Error> {
    let folder = access::folder(tx, call, id, Power::View).await?.into_inner();
    let include_recoverable = call.user_id().is_none();
    let most = FOLDER_TOTALS_ITEMS_MAX + 1;
    let rows = tx.subtree(call.organization(), id, include_recoverable, most).await?;
    let is_small = i64::try_from(rows.len()).is_ok_and(|count| count <= FOLDER_TOTALS_ITEMS_MAX);
    let totals = is_small.then(|| folder_totals(id.as_str(), &rows));
    Ok(FolderView { folder, totals })
}

async fn delete_folder(tx: &mut Tx, input: &Deletion) -> Result<(), Error> {
    let organization = input.call.organization();
    let folder = access::folder(tx, &input.call, &input.id, Power::Delete).await?;
    let parent = folder.removable_from()?;
    let id = input.id.clone().into();
    if tx.lock_item(organization, parent, &id).await?.is_none() {
        return Err(changing());
    }
    tx.detach(organization, &id).await?;
    tx.count_items(organization, parent, -1).await?;
    tx.touch_folder(organization, parent, input.now).await?;
    tx.insert_purge(organization, &id, input.now).await?;
    let done = activity(&input.call, &input.activity, input.now, Deed::DeletedFolder, folder.get());
    record(tx, organization, &done).await
}

/// Takes a transaction's share out of a folder. False when there is more.
async fn delete_contents(tx: &mut Tx, input: &Deletion, deleted: &FolderId) -> Result<bool, Error> {
    let organization = input.call.organization();
    let folder = access::folder(tx, &input.call, &input.id, Power::Delete).await?;
    // Holds the folder, so that nothing comes in or goes out while it is emptied.
    if tx.count_items(organization, &input.id, 0).await? == Counted::Gone {
        return Err(Refusal::Hidden.into());
    }
    // What a user no longer sees is not theirs to delete either.
    let include_recoverable = input.call.user_id().is_none();
    let detached = tx
        .detach_contents(organization, folder.get(), include_recoverable, deleted, input.now)
        .await?;
    let (id, initiator) = (&input.activity, input.call.caller().principal());
    tx.insert_deletions(organization, (id, input.now), initiator, &input.id, deleted).await?;
    tx.insert_deletion_events(organization, input.now, &input.id, deleted).await?;
    Ok(detached)
}

/// The error for an item that was moved or deleted between being read and being held: the use case
/// runs again and meets it where it is now.
pub(crate) fn changing() -> Error {
    Error::Changing
}
