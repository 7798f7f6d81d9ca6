//! PostgreSQL: a pool of connections, and operations that run again when they met another.

mod connection;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use tokio::runtime::Handle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

pub(super) use self::connection::Connection;
use super::tx::{self, Fault, swallowed};
use super::{BoxFuture, Counters, StoreError, Tx, schema};

/// How many connections a node holds.
const CONNECTIONS: usize = 16;

/// How long to wait for a connection: to be free, to be made, to be found alive.
const CONNECTION_WAIT: Duration = Duration::from_secs(2);

/// How long the network may leave what we sent unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// How long an operation may take, all its attempts together.
const OPERATION_WAIT: Duration = Duration::from_secs(9);

/// How often an operation runs that meets other transactions.
const ATTEMPTS: u32 = 4;

/// How long an operation of a command may take that looks at everything, as verify does.
const PATIENT_OPERATION_WAIT: Duration = Duration::from_hours(24);

/// The limits every session has, whatever the server's own settings. A walk through a tree is taken for
/// a great deal of work before it is run, and compiling it takes longer than running it ever does.
const SESSION: &str = "-c statement_timeout=8s -c lock_timeout=2s \
     -c idle_in_transaction_session_timeout=10s -c synchronous_commit=on -c jit=off";

/// What differs for a command that looks at everything; the last word on a setting counts.
const PATIENT_SESSION: &str = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0";

/// What an operation is going to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// An open PostgreSQL database.
#[derive(Clone)]
pub(super) struct Store {
    pool: Pool,
    counters: Arc<Counters>,
    operation_wait: Duration,
    /// Whose threads drive the connections, whatever thread an operation comes from: one that gives way to
    /// others must not make those wait who get its connection next.
    runtime: Handle,
}

impl Store {
    pub(super) async fn open(
        url: &str,
        counters: &Arc<Counters>,
        is_patient: bool,
    ) -> Result<Self, StoreError> {
        let mut config = parse(url)?;
        migrate(&config).await?;
        let session = match config.get_options() {
            Some(theirs) => format!("{theirs} {SESSION}"),
            None => SESSION.to_owned(),
        };
        let (session, operation_wait) = if is_patient {
            (format!("{session} {PATIENT_SESSION}"), PATIENT_OPERATION_WAIT)
        } else {
            (session, OPERATION_WAIT)
        };
        config.options(session);
        let recycle = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycle))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(CONNECTION_WAIT),
                create: Some(CONNECTION_WAIT),
                recycle: Some(CONNECTION_WAIT),
            })
            .build()
            .map_err(|e| StoreError::Open(e.to_string()))?;
        let (counters, runtime) = (Arc::clone(counters), Handle::current());
        Ok(Self { pool, counters, operation_wait, runtime })
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    /// Runs an operation in a task of its own, which goes on when the caller stops waiting.
    pub(super) async fn run<I, T, E, F>(
        &self,
        access: Access,
        input: I,
        operation: F,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let store = self.clone();
        let running = self.runtime.spawn(async move {
            // What is dropped here half way takes its connection with it.
            let work = store.attempts(access, &input, &operation);
            tokio::time::timeout(store.operation_wait, work).await
        });
        match running.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                Err(StoreError::Unavailable("an operation takes too long".to_owned()).into())
            }
            Err(e) if e.is_panic() => {
                Err(StoreError::Internal("an operation panicked".to_owned()).into())
            }
            Err(_) => Err(StoreError::Unavailable("it is stopping".to_owned()).into()),
        }
    }

    async fn attempts<I, T, E, F>(&self, access: Access, input: &I, operation: &F) -> Result<T, E>
    where
        I: Send + Sync,
        T: Send,
        E: From<StoreError> + Send,
        F: for<'a> Fn(&'a mut Tx, &'a I) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
    {
        let mut attempt = 1;
        loop {
            let mut tx = self.begin(access).await?;
            let result = operation(&mut tx, input).await;
            let fault = tx.take_fault();
            match (result, fault) {
                (Ok(answer), None) => {
                    self.commit(access, &mut tx).await?;
                    return Ok(answer);
                }
                // The one who was in the way has gone on by the time we are told, so waiting
                // before the next attempt gains nothing.
                (_, Some(Fault::Retry)) if attempt < ATTEMPTS => {
                    rollback(&mut tx).await;
                    attempt += 1;
                }
                (Ok(_), Some(_)) => {
                    rollback(&mut tx).await;
                    return Err(swallowed().into());
                }
                (Err(error), _) => {
                    rollback(&mut tx).await;
                    return Err(error);
                }
            }
        }
    }

    async fn begin(&self, access: Access) -> Result<Tx, StoreError> {
        let client = self.pool.get().await.map_err(|e| unavailable(&e))?;
        let mut connection = Connection::new(client);
        connection
            .begin(match access {
                Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            })
            .await?;
        Ok(Tx::new(tx::Connection::Postgres(connection), Arc::clone(&self.counters)))
    }

    async fn commit(&self, access: Access, tx: &mut Tx) -> Result<(), StoreError> {
        let tx::Connection::Postgres(connection) = &mut tx.connection else { return Ok(()) };
        if access == Access::Read {
            return connection.end("COMMIT").await;
        }
        fail::fail_point!("metadata::before_commit");
        connection.end("COMMIT").await?;
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        fail::fail_point!("metadata::after_commit");
        Ok(())
    }
}

// A connection that cannot even roll back is discarded, and the server rolls back for it.
async fn rollback(tx: &mut Tx) {
    if let tx::Connection::Postgres(connection) = &mut tx.connection {
        drop(connection.end("ROLLBACK").await);
    }
}

// The parser's own text may quote the password, so it is not used.
fn parse(url: &str) -> Result<Config, StoreError> {
    let encrypted = || {
        StoreError::Open(
            "encrypted connections to PostgreSQL are not supported yet: take sslmode=prefer or \
             disable, and keep the connection inside a private network"
                .to_owned(),
        )
    };
    let mut config: Config = url.parse().map_err(|_| {
        if url.contains("sslmode=verify") {
            encrypted()
        } else {
            StoreError::Open(
                "the PostgreSQL URL cannot be read; it looks like \
                 postgres://user:password@host:5432/database"
                    .to_owned(),
            )
        }
    })?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(encrypted());
    }
    config.connect_timeout(CONNECTION_WAIT).tcp_user_timeout(UNACKNOWLEDGED);
    if config.get_application_name().is_none() {
        config.application_name("docharbor");
    }
    Ok(config)
}

/// Migrates on a connection of its own, without the limits that operations have.
async fn migrate(config: &Config) -> Result<(), StoreError> {
    let connecting = tokio::time::timeout(CONNECTION_WAIT, config.connect(NoTls)).await;
    let (mut client, connection) = connecting
        .map_err(|_| StoreError::Unavailable("PostgreSQL does not answer".to_owned()))?
        .map_err(|e| StoreError::Open(text(&e)))?;
    let running = tokio::spawn(connection);
    let migrated = migrate_on(&mut client).await;
    drop(client);
    // Waits until the connection is closed, and with it the lock.
    drop(running.await);
    migrated
}

async fn migrate_on(client: &mut tokio_postgres::Client) -> Result<(), StoreError> {
    let settings = "SELECT current_setting('fsync') || ' ' || current_setting('full_page_writes')";
    let settings = client.query_one(settings, &[]).await.map_err(|e| fault(&e))?;
    if settings.try_get::<_, &str>(0).map_err(|e| fault(&e))? != "on on" {
        tracing::warn!(
            "PostgreSQL runs with fsync or full_page_writes off: acknowledged changes can be lost"
        );
    }
    schema::migrate_postgres(client).await
}

fn unavailable(error: &PoolError) -> StoreError {
    StoreError::Unavailable(match error {
        PoolError::Timeout(_) => "no connection became free or was made within 2 s".to_owned(),
        PoolError::Backend(e) => text(e),
        PoolError::Closed => "it is closed".to_owned(),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => error.to_string(),
    })
}

/// What an error of PostgreSQL means.
pub(super) fn fault(error: &tokio_postgres::Error) -> StoreError {
    let Some(state) = error.code() else {
        return if error.is_closed() || is_io(error) {
            StoreError::Unavailable(text(error))
        } else {
            StoreError::Internal(text(error))
        };
    };
    if *state == SqlState::LOCK_NOT_AVAILABLE {
        return StoreError::LockTimeout;
    }
    match state.code().get(..2) {
        // No connection, a conflict with another transaction, out of resources, an operator's
        // intervention, a failing disk; below, a standby that refuses changes.
        Some("08" | "40" | "53" | "57" | "58") => StoreError::Unavailable(text(error)),
        Some("25") if *state == SqlState::READ_ONLY_SQL_TRANSACTION => {
            StoreError::Unavailable(text(error))
        }
        Some("XX") => StoreError::Corrupt { table: "metadata", reason: text(error) },
        _ => StoreError::Internal(text(error)),
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

// PostgreSQL's detail and hint quote the row's values, which must not reach a log.
fn text(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(e), _) => format!("PostgreSQL: {} ({})", e.message(), e.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_asks_for_encryption_is_refused() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let error = parse(&format!("postgres://ann:pw@h/d?sslmode={mode}")).unwrap_err();
            assert!(error.to_string().contains("encrypted connections"), "{error}");
        }
        assert!(parse("postgres://ann:pw@h/d").is_ok());
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        let error = parse("host=h password = 'secret").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
