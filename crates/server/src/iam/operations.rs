//! The operations of IAM and STS that there are.

use super::failure::Failure;
use super::form::Form;
use super::xml::Xml;
use super::{Asking, roles, sessions, users};
use crate::audit::{IAM, Kind};

/// The two services of this door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Iam,
    Sts,
}

impl Service {
    pub(super) const ALL: [Self; 2] = [Self::Iam, Self::Sts];

    /// The name in signatures and actions.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The namespace of its answers, which ends with its version.
    pub(super) const fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::Iam => IAM,
            Self::Sts => "sts.amazonaws.com",
        }
    }
}

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) service: Service,
    pub(super) name: &'static str,
    /// Whether it can change nothing.
    pub(super) read_only: bool,
    /// Whether its answer has a result.
    pub(super) has_result: bool,
    pub(super) parameters: &'static [&'static str],
}

impl Operation {
    pub(super) const fn kind(&self) -> Kind {
        let source = self.service.source();
        Kind { source, name: self.name, read_only: self.read_only, data: false }
    }
}

const fn reads(name: &'static str, parameters: &'static [&'static str]) -> Operation {
    Operation { service: Service::Iam, name, read_only: true, has_result: true, parameters }
}

const fn makes(name: &'static str, parameters: &'static [&'static str]) -> Operation {
    Operation { service: Service::Iam, name, read_only: false, has_result: true, parameters }
}

const fn changes(name: &'static str, parameters: &'static [&'static str]) -> Operation {
    Operation { service: Service::Iam, name, read_only: false, has_result: false, parameters }
}

const fn session(name: &'static str, parameters: &'static [&'static str]) -> Operation {
    Operation { service: Service::Sts, name, read_only: false, has_result: true, parameters }
}

static OPERATIONS: [Operation; 26] = [
    makes("CreateUser", &["UserName", "Path"]),
    reads("GetUser", &["UserName"]),
    reads("ListUsers", &["PathPrefix", "Marker", "MaxItems"]),
    changes("DeleteUser", &["UserName"]),
    makes("CreateAccessKey", &["UserName"]),
    reads("ListAccessKeys", &["UserName", "Marker", "MaxItems"]),
    changes("UpdateAccessKey", &["UserName", "AccessKeyId", "Status"]),
    changes("DeleteAccessKey", &["UserName", "AccessKeyId"]),
    changes("PutUserPolicy", &["UserName", "PolicyName", "PolicyDocument"]),
    reads("GetUserPolicy", &["UserName", "PolicyName"]),
    reads("ListUserPolicies", &["UserName", "Marker", "MaxItems"]),
    changes("DeleteUserPolicy", &["UserName", "PolicyName"]),
    makes(
        "CreateRole",
        &["RoleName", "Path", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration"],
    ),
    reads("GetRole", &["RoleName"]),
    reads("ListRoles", &["PathPrefix", "Marker", "MaxItems"]),
    changes("DeleteRole", &["RoleName"]),
    changes("PutRolePolicy", &["RoleName", "PolicyName", "PolicyDocument"]),
    reads("GetRolePolicy", &["RoleName", "PolicyName"]),
    reads("ListRolePolicies", &["RoleName", "Marker", "MaxItems"]),
    changes("DeleteRolePolicy", &["RoleName", "PolicyName"]),
    changes("UpdateAssumeRolePolicy", &["RoleName", "PolicyDocument"]),
    // What the AWS command line asks before it deletes: nothing of the kind is ever there.
    reads("ListAttachedUserPolicies", &["UserName", "PathPrefix", "Marker", "MaxItems"]),
    reads("ListAttachedRolePolicies", &["RoleName", "PathPrefix", "Marker", "MaxItems"]),
    Operation {
        service: Service::Sts,
        name: "GetCallerIdentity",
        read_only: true,
        has_result: true,
        parameters: &[],
    },
    session(
        "AssumeRole",
        &["RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "ExternalId"],
    ),
    session("GetSessionToken", &["DurationSeconds"]),
];

/// The operation that a request names.
pub(super) fn find(form: &Form) -> Result<&'static Operation, Failure> {
    let (action, version) = (form.need("Action")?, form.need("Version")?);
    OPERATIONS
        .iter()
        .find(|operation| operation.name == action && operation.service.version() == version)
        .ok_or_else(|| Failure::no_action(action, version))
}

pub(super) async fn run(asking: &Asking<'_>) -> Result<Xml, Failure> {
    match asking.operation.name {
        "CreateUser" => users::create(asking).await,
        "GetUser" => users::get(asking).await,
        "ListUsers" => users::list(asking).await,
        "DeleteUser" => users::delete(asking).await,
        "CreateAccessKey" => users::create_key(asking).await,
        "ListAccessKeys" => users::list_keys(asking).await,
        "UpdateAccessKey" | "DeleteAccessKey" => users::change_key(asking).await,
        "CreateRole" => roles::create(asking).await,
        "GetRole" => roles::get(asking).await,
        "ListRoles" => roles::list(asking).await,
        "DeleteRole" => roles::delete(asking).await,
        "UpdateAssumeRolePolicy" => roles::update_trust(asking).await,
        "PutUserPolicy" | "PutRolePolicy" => roles::put_policy(asking).await,
        "GetUserPolicy" | "GetRolePolicy" => roles::get_policy(asking).await,
        "ListUserPolicies" | "ListRolePolicies" => roles::list_policies(asking).await,
        "DeleteUserPolicy" | "DeleteRolePolicy" => roles::delete_policy(asking).await,
        "ListAttachedUserPolicies" | "ListAttachedRolePolicies" => {
            roles::list_attached(asking).await
        }
        "GetCallerIdentity" => sessions::identity(asking).await,
        "AssumeRole" => sessions::assume(asking).await,
        "GetSessionToken" => sessions::token(asking).await,
        name => Err(Failure::no_action(name, asking.operation.service.version())),
    }
}
