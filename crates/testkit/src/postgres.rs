//! A PostgreSQL server of the tests' own: on the loopback, in a temporary directory, gone with them.

#![expect(clippy::expect_used, reason = "a test that has no server cannot go on")]

mod process;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::OnceLock;

use tokio_postgres::NoTls;

use self::process::Server;

/// A server, ours or one that was running.
pub struct Cluster {
    server: Option<Server>,
    url: String,
}

impl Cluster {
    /// The server this process shares between its tests: the one `DOCHARBOR_TEST_POSTGRES_URL`
    /// names (its user must be allowed to create databases), or one that is started now.
    ///
    /// A test that stops or kills its server starts one for itself.
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration of their own")]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("DOCHARBOR_TEST_POSTGRES_URL") {
            Ok(url) => Self { server: None, url },
            Err(_) => Self::start(),
        })
    }

    /// Starts a server, which ends when this is dropped or this process ends.
    pub fn start() -> Self {
        let server = Server::start();
        let url = server.url();
        Self { server: Some(server), url }
    }

    /// Makes an empty database and gives its URL.
    pub fn fresh_database(&self) -> String {
        let name = format!("docharbor_{:016x}", RandomState::new().build_hasher().finish());
        self.run(&format!("CREATE DATABASE {name}"));
        with_database(&self.url, &name)
    }

    /// Kills the server as a power cut would; `restart` brings it back.
    pub fn kill(&self) {
        self.own().kill();
    }

    /// Starts the killed server again, with its data and on its port.
    pub fn restart(&self) {
        self.own().restart();
    }

    /// Stops all the server's processes where they are, until the answer is dropped. Connections
    /// stay open and new ones are taken by the kernel, but nothing answers.
    pub fn freeze(&self) -> Frozen<'_> {
        self.own().freeze();
        Frozen { server: self.own() }
    }

    fn own(&self) -> &Server {
        self.server.as_ref().expect("only a server of the test's own can be disturbed")
    }

    // A thread and a runtime of its own, so that tests with and without a runtime can call it.
    fn run(&self, statement: &str) {
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .expect("a runtime")
                        .block_on(execute(&self.url, statement));
                })
                .join()
                .expect("the statement");
        });
    }
}

/// A server that does not answer; it goes on when this is dropped.
pub struct Frozen<'a> {
    server: &'a Server,
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.server.thaw();
    }
}

async fn execute(url: &str, statement: &str) {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    let running = tokio::spawn(connection);
    client.batch_execute(statement).await.expect("the statement succeeds");
    drop(client);
    running.await.expect("the connection's task").expect("the connection ends well");
}

/// The same URL with another database.
fn with_database(url: &str, name: &str) -> String {
    let (whole, query) = match url.split_once('?') {
        Some((whole, query)) => (whole, format!("?{query}")),
        None => (url, String::new()),
    };
    let (scheme, rest) = whole.split_once("://").expect("a URL");
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    format!("{scheme}://{host}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        for (url, replaced) in [
            ("postgres://a:b@h:1/postgres", "postgres://a:b@h:1/new"),
            ("postgres://h", "postgres://h/new"),
            ("postgres://h/x?sslmode=disable", "postgres://h/new?sslmode=disable"),
            ("postgres://h?sslmode=disable", "postgres://h/new?sslmode=disable"),
        ] {
            assert_eq!(with_database(url, "new"), replaced);
        }
    }

    #[test]
    fn a_killed_server_comes_back_with_its_databases() {
        let cluster = Cluster::start();
        let url = cluster.fresh_database();
        cluster.kill();
        cluster.restart();
        cluster.fresh_database();
        let name = url.rsplit('/').next().expect("a name");
        cluster.run(&format!("DROP DATABASE {name}"));
    }
}
