//! Users' tokens: made, listed without their text, and taken back.

use docharbor_domain::{OrganizationId, Refusal, Scopes};
use docharbor_metadata::{ListedToken, Tx, token_id};
use zeroize::Zeroizing;

use crate::keyring::{has_token_form, token_hash, token_text};
use crate::{Error, Site};

const UNKNOWN_USER: Refusal = Refusal::NotFound { what: "the user", ids: Vec::new() };

impl Site {
    /// Gives a user a token. Nobody can be shown it again.
    pub async fn create_token(
        &self,
        organization: &OrganizationId,
        username: &str,
        scopes: Scopes,
        lifetime_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        let text = token_text(self.random());
        let now = self.now();
        let input = (
            organization.clone(),
            username.to_owned(),
            token_hash(&text),
            scopes,
            now,
            now.plus_millis(lifetime_ms),
        );
        self.write(input, |tx, (organization, username, hash, scopes, now, expires)| {
            Box::pin(async move {
                let user = tx.user_by_name(organization, username).await?;
                let user = user.ok_or(UNKNOWN_USER)?;
                tx.insert_token(organization, hash, &user.id, *scopes, *now, *expires).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
        Ok(text)
    }

    /// The tokens of a site, or of one user of it, that have not ended, oldest first.
    pub async fn tokens(
        &self,
        organization: &OrganizationId,
        username: Option<&str>,
    ) -> Result<Vec<ListedToken>, Error> {
        let input = (organization.clone(), username.map(str::to_owned), self.now());
        self.read(input, |tx, (organization, username, now)| {
            Box::pin(async move {
                let user = match username {
                    Some(name) => {
                        let user = tx.user_by_name(organization, name).await?;
                        Some(user.ok_or(UNKNOWN_USER)?.id)
                    }
                    None => None,
                };
                Ok(tx.tokens(organization, *now, user.as_ref()).await?)
            })
        })
        .await
    }

    /// Ends a token from the next request on. It is named by its id, or by its own text.
    pub async fn revoke_token(
        &self,
        organization: &OrganizationId,
        id_or_text: &str,
    ) -> Result<(), Error> {
        let id = if has_token_form(id_or_text) {
            token_id(&token_hash(id_or_text)).to_owned()
        } else {
            id_or_text.to_owned()
        };
        self.write((organization.clone(), id), |tx, (organization, id)| {
            Box::pin(revoke(tx, organization, id))
        })
        .await
    }
}

async fn revoke(tx: &mut Tx, organization: &OrganizationId, id: &str) -> Result<(), Error> {
    if tx.delete_token(organization, id).await? {
        return Ok(());
    }
    // What was typed may be a token with a slip in it, so it is not repeated.
    Err(Refusal::NotFound { what: "the token", ids: Vec::new() }.into())
}
