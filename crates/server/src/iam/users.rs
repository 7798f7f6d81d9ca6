//! IAM users and their access keys.

use docharbor_domain::AccessKeyId;
use docharbor_site::{Error, IamEntity, ListedKey};

use super::Asking;
use super::failure::Failure;
use super::xml::Xml;
use crate::audit::iso_8601;

/// The user a call is about: the named one, or the caller's own.
fn named<'a>(asking: &'a Asking<'_>) -> Result<&'a str, Failure> {
    match asking.form.get("UserName").or_else(|| asking.holder.username()) {
        Some(name) => Ok(name),
        None => asking.form.need("UserName"),
    }
}

/// Checks that the caller may, for the ARN the user has, or would have.
pub(super) async fn require(asking: &Asking<'_>, name: &str) -> Result<(), Failure> {
    match asking.door.site().iam_user(asking.organization, name).await {
        // A user is found whatever the letter case, and policies know one: that of the user's ARN.
        Ok(user) => asking.require(&format!("user{}{}", user.path, user.name)),
        Err(Error::Refused(_)) => asking.require(&format!("user/{name}")),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn create(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let (name, path) = (asking.form.need("UserName")?, asking.form.get("Path").unwrap_or("/"));
    asking.require(&format!("user{path}{name}"))?;
    let user = asking.door.site().create_iam_user(asking.organization, name, path).await?;
    Ok(Xml::default().element("User", &shape(asking, &user)))
}

pub(super) async fn get(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = named(asking)?;
    require(asking, name).await?;
    let user = asking.door.site().iam_user(asking.organization, name).await?;
    Ok(Xml::default().element("User", &shape(asking, &user)))
}

pub(super) async fn list(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let prefix = asking.form.get("PathPrefix").unwrap_or("/");
    asking.require(&format!("user{prefix}"))?;
    let (after, max) = asking.page()?;
    let limit = i64::try_from(max + 1).unwrap_or(i64::MAX);
    let found = asking.door.site().iam_users(asking.organization, after, limit).await?;
    let (shown, end) = cut(found, max, |user| user.name.clone());
    let shown = shown.iter().filter(|user| user.path.starts_with(prefix));
    Ok(end.mark(Xml::default().list("Users", shown.map(|user| shape(asking, user)))))
}

pub(super) async fn delete(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = asking.form.need("UserName")?;
    require(asking, name).await?;
    asking.door.site().delete_iam_user(asking.organization, name).await?;
    Ok(Xml::default())
}

pub(super) async fn create_key(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = named(asking)?;
    require(asking, name).await?;
    let (key, created) = asking.door.site().create_iam_key(asking.organization, name).await?;
    let shape = Xml::default()
        .text("UserName", name)
        .text("AccessKeyId", key.id.as_str())
        .text("Status", "Active")
        .text("SecretAccessKey", key.secret.as_str())
        .text("CreateDate", iso_8601(created.as_millis()));
    Ok(Xml::default().element("AccessKey", &shape))
}

pub(super) async fn list_keys(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = named(asking)?;
    require(asking, name).await?;
    let (after, max) = asking.page()?;
    let keys = asking.door.site().iam_keys(asking.organization, name).await?;
    let begin = keys.iter().position(|key| key.id.as_str() == after).map_or(0, |at| at + 1);
    let keys = keys.into_iter().skip(begin).collect();
    let (shown, end) = cut(keys, max, |key: &ListedKey| key.id.to_string());
    let shape = |key: ListedKey| {
        Xml::default()
            .text("UserName", name)
            .text("AccessKeyId", key.id.as_str())
            .text("Status", if key.is_active { "Active" } else { "Inactive" })
            .text("CreateDate", iso_8601(key.created.as_millis()))
    };
    Ok(end.mark(Xml::default().list("AccessKeyMetadata", shown.into_iter().map(shape))))
}

/// Changes the status of a key, or deletes it.
pub(super) async fn change_key(asking: &Asking<'_>) -> Result<Xml, Failure> {
    let name = named(asking)?;
    require(asking, name).await?;
    let key = AccessKeyId::new(asking.form.need("AccessKeyId")?);
    let is_active = match asking.operation.name {
        "DeleteAccessKey" => None,
        _ => match asking.form.need("Status")? {
            "Active" => Some(true),
            "Inactive" => Some(false),
            _ => return Err(Failure::invalid("Status must be Active or Inactive.")),
        },
    };
    asking.door.site().change_iam_key(asking.organization, name, &key, is_active).await?;
    Ok(Xml::default())
}

fn shape(asking: &Asking<'_>, user: &IamEntity) -> Xml {
    let IamEntity { name, id, path, created } = user;
    Xml::default()
        .text("Path", path)
        .text("UserName", name)
        .text("UserId", id)
        .text("Arn", format!("arn:aws:iam::{}:user{path}{name}", asking.account))
        .text("CreateDate", iso_8601(created.as_millis()))
}

/// Whether a list goes on, and after what.
pub(super) struct End(Option<String>);

impl End {
    pub(super) fn mark(self, list: Xml) -> Xml {
        match self.0 {
            None => list.text("IsTruncated", "false"),
            Some(marker) => list.text("IsTruncated", "true").text("Marker", marker),
        }
    }
}

/// The first `max` of a list, which may have more.
pub(super) fn cut<T>(mut list: Vec<T>, max: usize, name: impl Fn(&T) -> String) -> (Vec<T>, End) {
    let goes_on = max < list.len();
    list.truncate(max);
    let end = list.last().filter(|_| goes_on).map(name);
    (list, End(end))
}
