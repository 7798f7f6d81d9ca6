//! How a use case meets the database: one transaction, and one effect however often it is sent.

use std::sync::Arc;
use std::time::Duration;

use docharbor_domain::{Call, Timestamp};
use docharbor_metadata::{BoxFuture, Inserted, StoreError, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Site};

/// How long a reading that looks through much waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(2);

/// Attempts at a call that others got in the way of.
const ATTEMPTS_MAX: u32 = 5;

struct Change<I> {
    call: Call,
    now: Timestamp,
    input: I,
}

impl Site {
    /// Runs a changing use case as one transaction, which also keeps its answer: a second attempt at
    /// the same call has no second effect and gets the first answer.
    pub(crate) async fn change<I, T, F>(&self, call: &Call, input: I, work: F) -> Result<T, Error>
    where
        I: Clone + Send + Sync + 'static,
        T: Serialize + DeserializeOwned + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, Error>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        let mut last = Error::Changing;
        for _ in 0..ATTEMPTS_MAX {
            let change = Change { call: call.clone(), now: self.now(), input: input.clone() };
            let done = self
                .parts
                .metadata
                .write(change, move |tx, change| Box::pin(answered(tx, change, work)))
                .await;
            match done {
                Err(again @ (Error::AnsweredElsewhere | Error::Changing)) => last = again,
                Ok(done) => {
                    self.dispatch.changed();
                    return Ok(done);
                }
                done => return done,
            }
        }
        Err(last)
    }

    /// Runs a reading use case on one consistent state of the database.
    pub(crate) async fn read<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
    {
        self.parts.metadata.read(input, work).await
    }

    /// Runs a reading use case that looks through much. Few of them run at once, so that whatever is
    /// read by its key has a connection to the database.
    pub(crate) async fn look_through<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
    {
        let turns = Arc::clone(&self.looking_through);
        let turn = tokio::time::timeout(TURN_WAIT, turns.acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            let reason = "too many searches and lists of activities at once";
            return Err(StoreError::Unavailable(reason.to_owned()).into());
        };
        // It goes with the work, which on SQLite goes on when nobody waits for it any more.
        self.read((input, turn), move |tx, (input, _turn)| work(tx, input)).await
    }

    /// Runs a reading use case that needs a few rows by their keys.
    pub(crate) async fn look_up<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
    {
        self.parts.metadata.look_up(input, work).await
    }

    /// Runs work nobody called for, as the jobs', as one transaction.
    pub(crate) async fn write<I, T, F>(&self, input: I, work: F) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
    {
        self.parts.metadata.write(input, work).await
    }
}

async fn answered<I, T, F>(tx: &mut Tx, change: &Change<I>, work: F) -> Result<T, Error>
where
    I: Send + Sync,
    T: Serialize + DeserializeOwned + Send,
    F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, Error>> + Send,
{
    const FAULT: Error = Error::Fault("a kept answer cannot be read");
    let Some(key) = change.call.retry_key() else { return work(tx, &change.input).await };
    let organization = change.call.organization();
    if let Some(answer) = tx.answer(organization, key).await? {
        return serde_json::from_str(&answer).map_err(|_| FAULT);
    }
    let done = match work(tx, &change.input).await {
        // Another attempt may have had its effect while this one waited for a lock: then the refusal
        // is about that very effect, and the call is run again to find its answer.
        Err(Error::Refused(_)) if tx.answer(organization, key).await?.is_some() => {
            return Err(Error::AnsweredElsewhere);
        }
        done => done?,
    };
    let answer = serde_json::to_string(&done).map_err(|_| FAULT)?;
    match tx.insert_answer(organization, key, &answer, change.now).await? {
        Inserted::Yes => Ok(done),
        Inserted::Duplicate => Err(Error::AnsweredElsewhere),
    }
}
