//! What a user asks about themselves, which a token alone can: who they are, and their two folders.

use docharbor_domain::{Call, Folder, Identity, Power, Refusal, TokenUser, User};
use docharbor_metadata::Tx;

use crate::{Error, Site, access};

impl Site {
    /// The user whose token asks.
    pub async fn current_user(&self, call: &Call) -> Result<User, Error> {
        asking_user(call)?;
        self.look_up(call.clone(), |tx, call| Box::pin(current_user(tx, call))).await
    }

    /// The root folder and the recycle bin of the user whose token asks, in this order.
    pub async fn root_folders(&self, call: &Call) -> Result<[Folder; 2], Error> {
        asking_user(call)?;
        self.look_up(call.clone(), |tx, call| {
            Box::pin(async move {
                let user = current_user(tx, call).await?;
                let root = access::folder(tx, call, &user.root_folder, Power::View).await?;
                let bin = access::folder(tx, call, &user.recycle_bin, Power::View).await?;
                Ok([root.into_inner(), bin.into_inner()])
            })
        })
        .await
    }
}

/// The holder of the token; an access key belongs to nobody who has folders.
fn asking_user(call: &Call) -> Result<&TokenUser, Refusal> {
    match &call.caller().identity {
        Identity::User(user) => Ok(user),
        Identity::Administrator(_) => Err(Refusal::NotAllowed(
            "an access key is no user: send a user's token in the Authentication header",
        )),
    }
}

async fn current_user(tx: &mut Tx, call: &Call) -> Result<User, Error> {
    let id = &asking_user(call)?.id;
    let user = tx.user(call.organization(), id).await?;
    let gone = || Refusal::NotFound { what: "the user", ids: vec![id.as_str().to_owned()] };
    Ok(user.ok_or_else(gone)?)
}
