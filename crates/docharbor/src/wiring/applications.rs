//! What the commands about applications need of the site.

use docharbor_domain::{ApplicationId, RedirectUri, Refusal, Scopes};
use docharbor_site::{Application, Error};
use serde::Serialize;

use super::deed::Deed;
use super::{TokenScope, beside, failed};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::master_key::MasterKey;

/// An application, as it is registered.
pub(crate) struct NewApplication<'a> {
    pub(crate) name: &'a str,
    pub(crate) email: Option<&'a str>,
    pub(crate) redirect_uris: &'a [String],
    pub(crate) scopes: &'a [TokenScope],
}

/// An application, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedApplication {
    app_id: String,
    name: String,
    email: Option<String>,
    scopes: Vec<&'static str>,
    redirect_uris: Vec<String>,
}

/// Registers an application.
pub(crate) async fn create_application(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    new: NewApplication<'_>,
) -> Result<ListedApplication, Failure> {
    const NEXT: &str = "give https://HOST/PATH, or http://127.0.0.1:PORT/PATH on this machine";
    const WHAT: &str = "No application was registered";
    let parsed = new.redirect_uris.iter().map(|uri| RedirectUri::parse(uri));
    let redirect_uris =
        parsed.collect::<Result<_, _>>().map_err(|why| Failure::usage(WHAT, why, NEXT))?;
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "CreateApplication").await?;
    let new = docharbor_site::NewApplication {
        name: new.name.to_owned(),
        email: new.email.map(str::to_owned),
        scopes: Scopes {
            read: new.scopes.contains(&TokenScope::Read),
            write: new.scopes.contains(&TokenScope::Write),
        },
        redirect_uris,
    };
    let made = deed.site.create_application(&organization, new).await;
    if let Ok(application) = &made {
        deed.made("appId", application.id.as_str());
    }
    deed.done(match made {
        Ok(application) => Ok(listed(application)),
        Err(Error::Refused(refusal)) => {
            Err(Failure::usage(WHAT, refusal, "see: docharbor application create --help"))
        }
        Err(error) => Err(failed(&error)),
    })
}

/// Every application of the site, by name.
pub(crate) async fn list_applications(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
) -> Result<Vec<ListedApplication>, Failure> {
    let (site, organization) = beside(configuration, directory, master_key).await?;
    let applications = site.applications(&organization).await.map_err(|error| failed(&error))?;
    Ok(applications.into_iter().map(listed).collect())
}

/// Deletes an application and ends its tokens.
pub(crate) async fn delete_application(
    configuration: &Configuration,
    directory: &DataDirectory,
    master_key: &MasterKey,
    id: &str,
) -> Result<(), Failure> {
    let (mut deed, organization) =
        Deed::begin(configuration, directory, master_key, "DeleteApplication").await?;
    deed.about("appId", id);
    deed.done(match deed.site.delete_application(&organization, &ApplicationId::new(id)).await {
        Ok(()) => Ok(()),
        Err(Error::Refused(refusal @ Refusal::NotFound { .. })) => Err(Failure::failed(
            "No application was deleted",
            refusal,
            "give the id of an application: docharbor application list",
        )),
        Err(error) => Err(failed(&error)),
    })
}

fn listed(application: Application) -> ListedApplication {
    let uris = application.redirect_uris.iter().map(|uri| uri.as_str().to_owned());
    ListedApplication {
        app_id: application.id.to_string(),
        redirect_uris: uris.collect(),
        name: application.name,
        email: application.email,
        scopes: application.scopes.names().split(' ').collect(),
    }
}
