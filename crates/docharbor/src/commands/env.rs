//! `docharbor env`: what a shell needs to reach the server.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::configuration::{Configuration, DEFAULT_DATA_DIRECTORY};
use crate::data_directory::DataDirectory;
use crate::environment::Environment;
use crate::exit::{Failure, print};
use crate::flags::{Flags, SiteFlags};
use crate::master_key::MasterKey;
use crate::shell::{Shell, assignments};
use crate::wiring::{self, RootAccess};

/// Every region is accepted; SDKs only insist that there is one.
const REGION: &str = "us-east-1";

/// Print what a shell needs to reach the server: eval "$(docharbor env DIR)"
#[derive(Args)]
pub(crate) struct Env {
    /// The data directory of the server
    #[arg(value_name = "DIR", default_value = DEFAULT_DATA_DIRECTORY)]
    directory: PathBuf,
    /// How to write the variables
    #[arg(long, value_enum, default_value_t)]
    shell: Shell,
    #[command(flatten)]
    site: SiteFlags,
}

impl Env {
    pub(super) async fn run(self, environment: &Environment) -> Result<ExitCode, Failure> {
        let flags = Flags::of_site(self.site);
        let configuration = Configuration::load(&self.directory, flags, environment)?;
        let directory = DataDirectory::open(&self.directory)?;
        let master_key = MasterKey::load(&configuration, &directory)?;
        let access = wiring::root_access(&configuration, &directory, &master_key).await?;
        let endpoint = directory.announced().unwrap_or_else(|| expected_endpoint(&configuration));
        print(&assignments(self.shell, &variables(&endpoint, &access)))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Where the server will be once it is started with this configuration.
fn expected_endpoint(configuration: &Configuration) -> String {
    // With stderr closed there is nobody to warn.
    writeln!(
        std::io::stderr(),
        "docharbor: no server runs on {}; start it with: docharbor serve {0}",
        configuration.data_directory.display()
    )
    .ok();
    let listened = || format!("http://{}", configuration.listen);
    configuration.public_url.clone().unwrap_or_else(listened)
}

fn variables<'a>(endpoint: &'a str, access: &'a RootAccess) -> [(&'static str, &'a str); 8] {
    [
        ("AWS_ENDPOINT_URL_WORKDOCS", endpoint),
        ("AWS_ENDPOINT_URL_STS", endpoint),
        ("AWS_ENDPOINT_URL_IAM", endpoint),
        ("AWS_ACCESS_KEY_ID", &access.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", access.secret_access_key.expose()),
        // Some programs read the one, some the other.
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("DOCHARBOR_ORGANIZATION_ID", &access.organization_id),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_shell_gets_exactly_what_the_contract_says() {
        let access = RootAccess {
            organization_id: "d-9f3a61c04b".to_owned(),
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: Secret::new("a/b+c=".to_owned()),
        };
        let printed = assignments(Shell::Bash, &variables("http://127.0.0.1:1", &access));
        assert_eq!(
            printed,
            "export AWS_ENDPOINT_URL_WORKDOCS=http://127.0.0.1:1\n\
             export AWS_ENDPOINT_URL_STS=http://127.0.0.1:1\n\
             export AWS_ENDPOINT_URL_IAM=http://127.0.0.1:1\n\
             export AWS_ACCESS_KEY_ID=AKIAEXAMPLE\n\
             export AWS_SECRET_ACCESS_KEY='a/b+c='\n\
             export AWS_REGION=us-east-1\n\
             export AWS_DEFAULT_REGION=us-east-1\n\
             export DOCHARBOR_ORGANIZATION_ID=d-9f3a61c04b\n"
        );
    }
}
