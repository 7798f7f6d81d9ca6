//! `docharbor policy`: what an IAM policy would say.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::key::read_policy;
use crate::exit::{Failure, print};
use crate::wiring::{self, Simulated};

/// IAM policies
#[derive(Subcommand)]
pub(crate) enum Policy {
    Simulate(Simulate),
}

/// Print what a policy says about a call: allowed, explicitDeny or implicitDeny (exit code 1)
#[derive(Args)]
pub(crate) struct Simulate {
    /// The policy
    #[arg(long, value_name = "FILE.json")]
    policy: PathBuf,
    /// The call, as workdocs:GetFolder
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// What a call of iam or sts is about: the ARN of a user or role
    #[arg(long, value_name = "ARN")]
    resource: Option<String>,
    /// Where it comes from
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<IpAddr>,
    /// When it is made [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// The organization it is about
    #[arg(long, value_name = "ID")]
    organization_id: Option<String>,
}

impl Policy {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Self::Simulate(simulate) = self;
        let (decision, is_allowed) = wiring::simulate(&Simulated {
            policy: &read_policy(&simulate.policy)?,
            action: &simulate.action,
            resource: simulate.resource.as_deref(),
            source_ip: simulate.source_ip,
            time: simulate.time.as_deref(),
            organization_id: simulate.organization_id.as_deref(),
        })?;
        let line = json!({ "EvalActionName": simulate.action, "EvalDecision": decision });
        print(&format!("{line}\n"))?;
        Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
