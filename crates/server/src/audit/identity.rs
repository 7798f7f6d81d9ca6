//! Who asked, in CloudTrail's words.

use axum::http::request::Parts;
use docharbor_domain::{Caller, Identity, UserId};
use serde_json::{Value, json};

use super::ACCOUNT_ID;

/// A caller that was let in.
pub(super) fn of(caller: &Caller) -> Value {
    match &caller.identity {
        Identity::Administrator(administrator) => {
            of_signer(caller.principal(), administrator.access_key_id.as_str())
        }
        Identity::User(user) => of_user(&user.id),
    }
}

/// A user of the site. CloudTrail has no type for the users of a directory of our own.
pub(super) fn of_user(user: &UserId) -> Value {
    json!({ "type": "Unknown", "principalId": user.as_str() })
}

fn of_signer(arn: &str, access_key_id: &str) -> Value {
    let mut parts = arn.splitn(6, ':').skip(4);
    let account = parts.next().unwrap_or(ACCOUNT_ID);
    let resource = parts.next().unwrap_or_default();
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    let mut identity = json!({
        "principalId": name,
        "arn": arn,
        "accountId": account,
        "accessKeyId": access_key_id,
    });
    match kind {
        "assumed-role" => {
            let role = name.split('/').next().unwrap_or_default();
            identity["type"] = "AssumedRole".into();
            identity["sessionContext"] = json!({ "sessionIssuer": {
                "type": "Role",
                "arn": format!("arn:aws:iam::{account}:role/{role}"),
                "accountId": account,
                "userName": role,
            }});
        }
        "root" => identity["type"] = "Root".into(),
        _ => {
            identity["type"] = "IAMUser".into();
            identity["userName"] = name.into();
        }
    }
    identity
}

/// Nobody in particular, with the access key that the request claims, as far as it looks like one:
/// people do put a secret where its id belongs.
pub(super) fn of_nobody(parts: &Parts) -> Value {
    let mut identity = json!({
        "type": "AWSAccount",
        "principalId": "",
        "accountId": "ANONYMOUS_PRINCIPAL",
    });
    if let Some(id) = claimed_key_id(parts) {
        identity["accessKeyId"] = id.into();
    }
    identity
}

/// Whether a text has the form of an access key's id, and so not that of a secret.
pub(super) fn is_key_id(text: &str) -> bool {
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let begins = text.starts_with("AKIA") || text.starts_with("ASIA");
    begins && (16..=32).contains(&text.len()) && text.bytes().all(is_upper)
}

fn claimed_key_id(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
    let (_, rest) = header?.split_once("Credential=")?;
    let id = rest.split('/').next()?;
    is_key_id(id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_has_the_type_of_its_arn() {
        let user = of_signer("arn:aws:iam::000000000000:user/ci", "AKIAX");
        assert_eq!((&user["type"], &user["userName"]), (&"IAMUser".into(), &"ci".into()));
        let role = of_signer("arn:aws:sts::000000000000:assumed-role/reader/night", "ASIAX");
        assert_eq!(
            (&role["type"], &role["principalId"]),
            (&"AssumedRole".into(), &"reader/night".into())
        );
        let issuer = &role["sessionContext"]["sessionIssuer"];
        assert_eq!(issuer["arn"], "arn:aws:iam::000000000000:role/reader");
        assert_eq!(of_signer("arn:aws:iam::000000000000:root", "AKIAX")["type"], "Root");
    }

    #[test]
    fn a_claimed_key_is_named_only_when_it_looks_like_one() {
        for (credential, named) in [
            ("AKIASTORYSTORYSTORY2", Some("AKIASTORYSTORYSTORY2")),
            ("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", None),
            ("AKIA\"},", None),
            ("", None),
        ] {
            let value = format!("AWS4-HMAC-SHA256 Credential={credential}/20261124/us-east-1/x");
            let request = axum::http::Request::builder().header("authorization", value);
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(claimed_key_id(&parts), named);
        }
    }
}
