//! Versions: how they are kept, and each step of their life as one compare-and-set.

use docharbor_domain::{
    BlobId, Content, DocumentId, DraftsShown, OrganizationId, ResourceName, Timestamp, Version,
    VersionId, VersionStatus,
};

use crate::driver::{Lock, Tx};
use crate::value::{Row, Value};
use crate::{StoreError, corrupt};

/// The columns of a version and of its stored bytes.
macro_rules! version_columns {
    () => {
        "v.id, v.name, v.content_type, v.creator, v.status, v.declared_bytes, v.charged_bytes, \
         v.blob_id, v.expires_ms, v.created_ms, v.modified_ms, v.content_created_ms, \
         v.content_modified_ms, b.size_bytes, b.md5"
    };
}
pub(crate) use version_columns;

/// Where a version's columns begin in a row that reads an item.
pub(crate) const VERSION_AT: usize = 10;

macro_rules! select_version {
    () => {
        concat!(
            "SELECT ",
            version_columns!(),
            " FROM version v
              LEFT JOIN blob b ON b.organization_id = v.organization_id AND b.id = v.blob_id
             WHERE v.organization_id = $1 AND v.document_id = $2 "
        )
    };
}

const VERSION: &str = concat!(select_version!(), "AND v.id = $3 AND v.status <> 'DELETED'");

const VERSIONS: &str = concat!(
    select_version!(),
    "AND (v.status = 'ACTIVE' OR (v.status = 'INITIALIZED' AND ($3 = 1 OR v.creator = $4)))
     AND v.ordinal < $5 ORDER BY v.ordinal DESC LIMIT $6"
);

const LOCK_VERSION: &str =
    "SELECT ordinal FROM version WHERE organization_id = $1 AND document_id = $2 AND id = $3";

const INSERT: &str = "
    INSERT INTO version (organization_id, document_id, id, ordinal, status, name, content_type,
                         creator, declared_bytes, charged_bytes, created_ms, modified_ms,
                         content_created_ms, content_modified_ms, expires_ms)
    VALUES ($1, $2, $3, $4, 'INITIALIZED', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

const RECEIVE: &str = "
    UPDATE version SET blob_id = $1, charged_bytes = $2
     WHERE organization_id = $3 AND document_id = $4 AND id = $5 AND status = 'INITIALIZED'";

const ACTIVATE: &str = "
    UPDATE version SET status = 'ACTIVE', modified_ms = $1, expires_ms = NULL, ordinal = $2
     WHERE organization_id = $3 AND document_id = $4 AND id = $5
       AND status = 'INITIALIZED' AND blob_id IS NOT NULL";

const DELETE_INITIALIZED: &str = "
    DELETE FROM version
     WHERE organization_id = $1 AND document_id = $2 AND id = $3 AND status = 'INITIALIZED'";

const NEWEST: &str = "
    SELECT id FROM version
     WHERE organization_id = $1 AND document_id = $2 AND status <> 'DELETED'
     ORDER BY ordinal DESC LIMIT 1";

const EXPIRED: &str = "
    SELECT document_id, id FROM version
     WHERE organization_id = $1 AND expires_ms <= $2 ORDER BY expires_ms LIMIT $3";

const NEVER_EXPIRE: &str = "
    UPDATE version SET expires_ms = 9223372036854775807
     WHERE organization_id = $1 AND document_id = $2 AND id = $3 AND status = 'INITIALIZED'";

const INSERT_BLOB: &str = "
    INSERT INTO blob (organization_id, id, location, size_bytes, md5, blake3, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Stored bytes, as they are kept.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Their write-once name.
    pub id: BlobId,
    /// The store that holds them.
    pub location: String,
    /// How many there are.
    pub size_bytes: i64,
    /// Their MD5 in lower-case hexadecimal.
    pub md5: String,
    /// Their BLAKE3 in lower-case hexadecimal.
    pub blake3: String,
}

/// Statements whose plans are looked at.
#[cfg(test)]
pub(crate) const PLANNED: &[&str] = &[
    VERSION,
    VERSIONS,
    LOCK_VERSION,
    RECEIVE,
    ACTIVATE,
    DELETE_INITIALIZED,
    NEWEST,
    EXPIRED,
    NEVER_EXPIRE,
];

impl Tx {
    /// Reads one version of a document.
    pub async fn version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
    ) -> Result<Option<Version>, StoreError> {
        let args = [organization.into(), document.into(), id.into()];
        match self.row(VERSION, &args).await? {
            Some(row) => decode_version(&row, 0),
            None => Ok(None),
        }
    }

    /// Reads one version and holds it until the transaction ends.
    pub async fn version_locked(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
    ) -> Result<Option<Version>, StoreError> {
        let args = [organization.into(), document.into(), id.into()];
        match self.row_locked(Lock::Update, LOCK_VERSION, &args).await? {
            Some(_) => self.version(organization, document, id).await,
            None => Ok(None),
        }
    }

    /// Reads a page of a document's versions, newest first, those whose ordinal is below `before`.
    pub async fn versions(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        drafts: &DraftsShown,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Version>, StoreError> {
        let (all_drafts, drafts_of) = drafts_arguments(drafts);
        let args = [
            organization.into(),
            document.into(),
            all_drafts,
            drafts_of,
            before.into(),
            limit.into(),
        ];
        let rows = self.rows(VERSIONS, &args).await?;
        rows.iter().filter_map(|row| decode_version(row, 0).transpose()).collect()
    }

    /// The ordinal of a version, by which a page of versions is continued.
    pub async fn version_ordinal(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
    ) -> Result<Option<i64>, StoreError> {
        let args = [organization.into(), document.into(), id.into()];
        self.row(LOCK_VERSION, &args).await?.map(|row| row.int(0)).transpose()
    }

    /// Adds an INITIALIZED version.
    pub async fn insert_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        ordinal: i64,
        version: &Version,
    ) -> Result<(), StoreError> {
        let VersionStatus::Initialized { declared_bytes, charged_bytes, expires, .. } =
            &version.status
        else {
            return Err(corrupt("version", "a version begins INITIALIZED"));
        };
        let args = [
            organization.into(),
            document.into(),
            (&version.id).into(),
            ordinal.into(),
            version.name.as_str().into(),
            version.content_type.as_str().into(),
            version.creator.as_str().into(),
            (*declared_bytes).into(),
            (*charged_bytes).into(),
            version.created.into(),
            version.modified.into(),
            version.content_created.map(Timestamp::as_millis).into(),
            version.content_modified.map(Timestamp::as_millis).into(),
            (*expires).into(),
        ];
        self.execute(INSERT, &args).await?;
        Ok(())
    }

    /// Gives an INITIALIZED version its bytes. False when it is no longer INITIALIZED.
    pub async fn receive_content(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
        blob: &Blob,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [
            (&blob.id).into(),
            blob.size_bytes.into(),
            organization.into(),
            document.into(),
            id.into(),
        ];
        if self.execute(RECEIVE, &args).await? == 0 {
            return Ok(false);
        }
        self.insert_blob(organization, blob, now).await?;
        Ok(true)
    }

    /// Notes bytes that the store has, for a row that refers to them.
    pub(crate) async fn insert_blob(
        &mut self,
        organization: &OrganizationId,
        blob: &Blob,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let args = [
            organization.into(),
            (&blob.id).into(),
            blob.location.as_str().into(),
            blob.size_bytes.into(),
            blob.md5.as_str().into(),
            blob.blake3.as_str().into(),
            now.into(),
        ];
        self.execute(INSERT_BLOB, &args).await?;
        Ok(())
    }

    /// Makes an INITIALIZED version whose content arrived ACTIVE. False when it is neither.
    pub async fn activate_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
        ordinal: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = [now.into(), ordinal.into(), organization.into(), document.into(), id.into()];
        Ok(self.execute(ACTIVATE, &args).await? == 1)
    }

    /// Removes an INITIALIZED version. False when it is no longer one.
    pub async fn delete_initialized_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
    ) -> Result<bool, StoreError> {
        let args = [organization.into(), document.into(), id.into()];
        Ok(self.execute(DELETE_INITIALIZED, &args).await? == 1)
    }

    /// The newest version a document has left, if any.
    pub async fn newest_version(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
    ) -> Result<Option<VersionId>, StoreError> {
        let row = self.row(NEWEST, &[organization.into(), document.into()]).await?;
        row.map(|row| row.text(0).map(VersionId::new)).transpose()
    }

    /// Leaves an INITIALIZED version to the removal of what it stands in.
    pub async fn never_expire(
        &mut self,
        organization: &OrganizationId,
        document: &DocumentId,
        id: &VersionId,
    ) -> Result<(), StoreError> {
        let args = [organization.into(), document.into(), id.into()];
        self.execute(NEVER_EXPIRE, &args).await?;
        Ok(())
    }

    /// INITIALIZED versions whose time is over, the oldest first.
    pub async fn expired_versions(
        &mut self,
        organization: &OrganizationId,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(DocumentId, VersionId)>, StoreError> {
        let args = [organization.into(), now.into(), limit.into()];
        let rows = self.rows(EXPIRED, &args).await?;
        rows.iter()
            .map(|row| Ok((DocumentId::new(row.text(0)?), VersionId::new(row.text(1)?))))
            .collect()
    }
}

/// Whether a listing has everybody's drafts, and whose it has if not.
pub(crate) fn drafts_arguments(drafts: &DraftsShown) -> (Value, Value) {
    match drafts {
        DraftsShown::All => (true.into(), "".into()),
        DraftsShown::Of(principal) => (false.into(), principal.as_str().into()),
        // Nobody's name is empty.
        DraftsShown::None => (false.into(), "".into()),
    }
}

/// Decodes the version whose columns begin at `at`, where the row has one.
pub(crate) fn decode_version(row: &Row, at: usize) -> Result<Option<Version>, StoreError> {
    let Some(id) = row.text_opt(at)? else { return Ok(None) };
    let blob = row.text_opt(at + 7)?.map(BlobId::new);
    let status = match row.text(at + 4)? {
        "INITIALIZED" => VersionStatus::Initialized {
            declared_bytes: row.int_opt(at + 5)?,
            charged_bytes: row.int(at + 6)?,
            received: blob,
            expires: row.timestamp(at + 8)?,
        },
        "ACTIVE" => VersionStatus::Active(Content {
            blob: blob.ok_or_else(|| corrupt("version", "an ACTIVE version has no blob"))?,
            size_bytes: row.int(at + 13)?,
            md5: row.text(at + 14)?.to_owned(),
        }),
        other => return Err(corrupt("version", &format!("status {other}"))),
    };
    let moment = |index| Ok::<_, StoreError>(row.int_opt(index)?.map(Timestamp::from_millis));
    Ok(Some(Version {
        id: VersionId::new(id),
        name: ResourceName::new(row.text(at + 1)?),
        content_type: row.text(at + 2)?.to_owned(),
        creator: row.text(at + 3)?.to_owned(),
        status,
        created: row.timestamp(at + 9)?,
        modified: row.timestamp(at + 10)?,
        content_created: moment(at + 11)?,
        content_modified: moment(at + 12)?,
    }))
}
