//! Policies against calls, and what no policy may ever do.

use proptest::prelude::*;

use super::*;

const HERE: &str = "d-0123456789";
const ARN: &str = "arn:aws:iam::000000000000:user/ci";

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)).unwrap()
}

/// What a policy decides about a call from an address at the epoch.
fn decide(policy: &Policy, action: &str, source_ip: Option<&str>) -> Decision {
    policy.decide(&asked(action, &OrganizationId::new(HERE), source_ip, 0))
}

fn asked<'a>(
    action: &'a str,
    organization: &'a OrganizationId,
    source_ip: Option<&str>,
    now_secs: i64,
) -> Asked<'a> {
    Asked {
        action,
        resource: "arn:aws:iam::000000000000:user/bob",
        organization,
        principal_arn: ARN,
        role_arn: None,
        username: Some("ci"),
        external_id: None,
        circumstances: Circumstances {
            now: Timestamp::from_millis(now_secs * 1_000),
            source_ip: source_ip.map(|ip| ip.parse().unwrap()),
        },
    }
}

fn allow_if(condition: &str) -> Policy {
    policy(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#))
}

#[test]
fn a_deny_wins_over_an_allow_and_silence_is_a_no() {
    for (statements, allowed) in [
        (r#"{"Effect":"Allow","Action":"workdocs:*","Resource":"*"}"#, true),
        (r#"{"Effect":"Allow","Action":["workdocs:Get*","s3:*"],"Resource":"*"}"#, true),
        (r#"{"Effect":"Allow","Action":"WORKDOCS:getfolder","Resource":["*"]}"#, true),
        (r#"{"Effect":"Allow","Action":"zocalo:*","Resource":"*"}"#, true),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#, true),
        (r#"{"Effect":"Allow","Action":"workdocs:Get?older","Resource":"*"}"#, true),
        (r#"{"Effect":"Allow","Action":"workdocs:GetFolderPath","Resource":"*"}"#, false),
        (r#"{"Effect":"Allow","Action":"s3:GetFolder","Resource":"*"}"#, false),
        (r#"{"Effect":"Allow","Action":["s3:*","ec2:*"],"Resource":"arn:aws:s3:::b"}"#, false),
        (r#"{"Effect":"Allow","Action":"iam:*","Resource":"*"}"#, false),
        (r#"{"Effect":"Allow","NotAction":"workdocs:Delete*","Resource":"*"}"#, true),
        (r#"{"Effect":"Allow","NotAction":"workdocs:Get*","Resource":"*"}"#, false),
        (
            r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
                {"Effect":"Deny","Action":"workdocs:GetFolder","Resource":"*"}]"#,
            false,
        ),
        (
            r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
                {"Effect":"Deny","NotAction":"s3:*","Resource":"*"}]"#,
            false,
        ),
        (
            r#"{"Effect":"Allow","Action":"*",
                "Resource":"arn:aws:workdocs:us-east-1:1:organization/d-0123456789"}"#,
            true,
        ),
        (
            r#"{"Effect":"Allow","Action":"*",
                "Resource":"arn:aws:workdocs:us-east-1:1:organization/d-9999999999"}"#,
            false,
        ),
        (
            r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
                {"Effect":"Deny","Action":"workdocs:Get*",
                 "Resource":"arn:aws:workdocs:*:*:organization/*"}]"#,
            false,
        ),
        (
            r#"{"Effect":"Allow","Action":"*",
                "Resource":"arn:aws:workdocs:*:*:organization/d-01234*"}"#,
            true,
        ),
        ("[]", false),
    ] {
        let decided = decide(&policy(statements), "workdocs:GetFolder", None);
        assert_eq!(decided == Decision::Allowed, allowed, "{statements}");
    }
}

#[test]
fn iam_actions_are_about_the_arn_of_their_target() {
    for (resource, allowed) in [
        ("*", true),
        ("arn:aws:iam::000000000000:user/bob", true),
        ("arn:aws:iam::*:user/b*", true),
        ("arn:aws:iam::000000000000:user/ann", false),
        ("arn:aws:iam::000000000000:role/*", false),
        ("arn:aws:workdocs:*:*:organization/d-0123456789", false),
    ] {
        let statement =
            format!(r#"{{"Effect":"Allow","Action":"iam:Get*","Resource":"{resource}"}}"#);
        let decided = decide(&policy(&statement), "iam:GetUser", None);
        assert_eq!(decided == Decision::Allowed, allowed, "{resource}");
    }
}

#[test]
fn the_guides_policies_can_be_pasted() {
    for statement in [
        r#"{"Sid":"WorkDocs","Effect":"Allow","Action":["workdocs:*","zocalo:*","ds:*",
            "ec2:CreateVpc","ec2:DescribeVpcs"],"Resource":["*"]}"#,
        r#"{"Effect":"Allow","Action":["workdocs:Describe*","ds:DescribeDirectories"],"Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":"ses:*","Resource":"arn:aws:ses:::x",
            "Condition":{"ForAllValues:StringLike":{"ses:Recipients":["*@example.com"]}}}"#,
        r#"{"Effect":"Allow","Action":"sts:AssumeRole",
            "Resource":"arn:aws:iam::000000000000:role/reader"}"#,
    ] {
        policy(statement);
    }
}

#[test]
fn a_condition_on_the_source_holds_for_its_networks_and_never_fails_open() {
    let inside = r#"{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}"#;
    let outside = r#"{"NotIpAddress":{"AWS:sourceip":["203.0.113.0/24"]}}"#;
    for (condition, source_ip, holds) in [
        (inside, Some("203.0.113.7"), true),
        (inside, Some("::ffff:203.0.113.7"), true),
        (inside, Some("2001:db8::1"), true),
        (inside, Some("198.51.100.1"), false),
        (inside, None, false),
        (outside, Some("203.0.113.7"), false),
        (outside, Some("198.51.100.1"), true),
        (outside, None, true),
        (r#"{"IpAddressIfExists":{"aws:SourceIp":"203.0.113.7"}}"#, None, true),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}"#, Some("203.0.113.7"), true),
    ] {
        let decided = decide(&allow_if(condition), "workdocs:GetFolder", source_ip);
        assert_eq!(decided == Decision::Allowed, holds, "{condition} {source_ip:?}");
    }
    let denied = format!(
        r#"[{{"Effect":"Allow","Action":"*","Resource":"*"}},
            {{"Effect":"Deny","Action":"*","Resource":"*","Condition":{outside}}}]"#
    );
    assert_eq!(decide(&policy(&denied), "workdocs:GetFolder", None), Decision::ExplicitDeny);
}

#[test]
fn a_condition_on_the_time_holds_in_its_time() {
    let now = 1_795_487_186; // 2026-11-24T02:26:26Z
    for (condition, holds) in [
        (r#"{"DateLessThan":{"aws:CurrentTime":"2026-11-24T02:26:27Z"}}"#, true),
        (r#"{"DateLessThan":{"aws:CurrentTime":"2026-11-24T02:26:26Z"}}"#, false),
        (r#"{"DateLessThanEquals":{"aws:CurrentTime":"2026-11-24T02:26:26Z"}}"#, true),
        (r#"{"DateGreaterThan":{"aws:CurrentTime":"2026-11-24"}}"#, true),
        (r#"{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-11-25"}}"#, false),
        (r#"{"DateEquals":{"aws:EpochTime":"1795487186"}}"#, true),
        (r#"{"NumericEquals":{"aws:EpochTime":1795487186}}"#, true),
        (r#"{"NumericGreaterThan":{"aws:EpochTime":"1795487186"}}"#, false),
        (r#"{"DateNotEquals":{"aws:EpochTime":["1","1795487186"]}}"#, false),
        (r#"{"DateNotEquals":{"aws:EpochTime":["1","2"]}}"#, true),
        (
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2026-01-01"},
                "DateLessThan":{"aws:CurrentTime":"2026-02-01"}}"#,
            false,
        ),
    ] {
        let organization = OrganizationId::new(HERE);
        let asked = asked("workdocs:GetFolder", &organization, None, now);
        let decided = allow_if(condition).decide(&asked);
        assert_eq!(decided == Decision::Allowed, holds, "{condition}");
    }
}

#[test]
fn a_condition_on_a_text_holds_for_its_values() {
    for (condition, holds) in [
        (r#"{"StringEquals":{"Resource.OrganizationId":"d-0123456789"}}"#, true),
        (r#"{"StringEquals":{"workdocs:OrganizationId":["d-9","d-0123456789"]}}"#, true),
        (r#"{"StringNotEquals":{"workdocs:OrganizationId":["d-9","d-0123456789"]}}"#, false),
        (r#"{"StringEqualsIgnoreCase":{"aws:username":"CI"}}"#, true),
        (r#"{"StringEquals":{"aws:username":"CI"}}"#, false),
        (r#"{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/c?"}}"#, true),
        (r#"{"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/c?"}}"#, false),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#, false),
        (r#"{"StringEquals":{"sts:ExternalId":"x"}}"#, false),
        (r#"{"StringEqualsIfExists":{"sts:ExternalId":"x"}}"#, true),
        (r#"{"StringNotEquals":{"sts:ExternalId":"x"}}"#, true),
        (r"{}", true),
    ] {
        let decided = decide(&allow_if(condition), "workdocs:GetFolder", None);
        assert_eq!(decided == Decision::Allowed, holds, "{condition}");
    }
}

#[test]
fn the_element_that_is_not_understood_is_named() {
    for (element, named) in [
        (r#""Condition":{"BoolIfExists":{"aws:SourceIp":"1.2.3.4"}}"#, "BoolIfExists"),
        (r#""Condition":{"StringEquals":{"aws:UserAgent":"x"}}"#, "aws:UserAgent"),
        (r#""Condition":{"IpAddress":{"aws:SourceIp":"localhost"}}"#, "aws:SourceIp"),
        (r#""Condition":{"DateLessThan":{"aws:CurrentTime":"soon"}}"#, "aws:CurrentTime"),
        (r#""Condition":{"StringEquals":{"aws:username":[]}}"#, "aws:username"),
        (r#""Principal":"*""#, "Principal"),
        (r#""NotResource":"*""#, "NotResource"),
    ] {
        let refused = Policy::parse(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*",{element}}}]}}"#
        ));
        let text = refused.unwrap_err().to_string();
        assert!(text.contains(named), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_refused_when_it_is_written() {
    for statement in [
        r#"{"Effect":"Allow","Resource":"*"}"#,
        r#"{"Effect":"Maybe","Action":"*","Resource":"*"}"#,
        r#"{"Effect":"Allow","Action":"*"}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"}"#,
        r#"{"Effect":"Deny","Action":"workdocs","Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":"*:*","Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":"work*:GetFolder","Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":[],"Resource":"*"}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:workdocs:*:*:folder/x:organization/d-0123456789"}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:workdocs:*:*:organization/d-0123456789/folder/x"}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:workdocs:*:*:organization/d-0123456789/*"}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:workdocs:*:*:organization/"}"#,
        r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:workdocs:*:*:organization/d-1:organization/*"}"#,
        r#"{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}"#,
        // A Deny of a text that nothing has would forbid nothing.
        r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:iam::*:user/${aws:username}"}"#,
        r#"{"Effect":"Deny","Action":"*","Resource":"*",
            "Condition":{"StringNotEquals":{"aws:username":"${aws:PrincipalTag/name}"}}}"#,
    ] {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        assert!(Policy::parse(&text).is_err(), "{text}");
    }
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
        "Action":"sts:AssumeRole","Condition":{"StringLike":{"aws:username":"${aws:username}"}}}]}"#;
    assert_eq!(TrustPolicy::parse(trust), Err(PolicyError::Variable));
    for text in ["", "[]", r#"{"Version":"2008-10-17","Statement":[]}"#] {
        assert!(Policy::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_role_trusts_whom_its_policy_names_under_its_conditions() {
    let account = "000000000000";
    for (principal, condition, external_id, trusted) in [
        (r#"{"AWS":"arn:aws:iam::000000000000:user/ci"}"#, "{}", None, true),
        (r#"{"AWS":["arn:aws:iam::000000000000:user/x","000000000000"]}"#, "{}", None, true),
        (r#"{"AWS":"arn:aws:iam::000000000000:root"}"#, "{}", None, true),
        (r#"{"AWS":"*"}"#, "{}", None, true),
        (r#""*""#, "{}", None, true),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/ann"}"#, "{}", None, false),
        (r#"{"AWS":"111111111111"}"#, "{}", None, false),
        (r#""*""#, r#"{"StringEquals":{"sts:ExternalId":"42"}}"#, None, false),
        (r#""*""#, r#"{"StringEquals":{"sts:ExternalId":"42"}}"#, Some("43"), false),
        (r#""*""#, r#"{"StringEquals":{"sts:ExternalId":"42"}}"#, Some("42"), true),
    ] {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},
                "Action":"sts:AssumeRole","Condition":{condition}}}}}"#
        );
        let organization = OrganizationId::new(HERE);
        let asked = Asked { external_id, ..asked("sts:AssumeRole", &organization, None, 0) };
        let policy = TrustPolicy::parse(&text).unwrap();
        assert_eq!(policy.trusts(&asked, account), trusted, "{text}");
    }
    for principal in [
        r#"{"Service":"ec2.amazonaws.com"}"#,
        r#"{"AWS":"arn:aws:iam::000000000000:user/*"}"#,
        r#"{"AWS":[]}"#,
        r#""everybody""#,
    ] {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},
                "Action":"sts:AssumeRole"}}}}"#
        );
        assert_eq!(TrustPolicy::parse(&text), Err(PolicyError::Principal));
    }
}

#[test]
fn a_role_that_forbids_somebody_does_not_trust_them_though_it_trusts_all() {
    let policy = TrustPolicy::parse(
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},
            {"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:user/ci"},
             "Action":"sts:*"}]}"#,
    )
    .unwrap();
    let organization = OrganizationId::new(HERE);
    assert!(!policy.trusts(&asked("sts:AssumeRole", &organization, None, 0), "1"));
}

fn any_statement() -> impl Strategy<Value = String> {
    let action = prop_oneof![
        Just("*"),
        Just("workdocs:*"),
        Just("workdocs:Get*"),
        Just("zocalo:GetFolder"),
        Just("workdocs:DeleteFolder"),
        Just("iam:*"),
        Just("s3:*"),
    ];
    let condition = prop_oneof![
        Just("{}"),
        Just(r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#),
        Just(r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#),
        Just(r#"{"DateLessThan":{"aws:CurrentTime":"2000-01-01"}}"#),
        Just(r#"{"StringEquals":{"aws:username":"ann"}}"#),
    ];
    let effect = prop_oneof![2 => Just("Allow"), 1 => Just("Deny")];
    let element = prop_oneof![Just("Action"), Just("NotAction")];
    (effect, element, action, condition).prop_map(|(effect, element, action, condition)| {
        format!(
            r#"{{"Effect":"{effect}","{element}":"{action}","Resource":"*","Condition":{condition}}}"#
        )
    })
}

fn joined(statements: &[String]) -> Policy {
    policy(&format!("[{}]", statements.join(",")))
}

proptest! {
    #[test]
    fn nothing_that_is_added_but_an_allow_ever_widens(
        statements in prop::collection::vec(any_statement(), 0..5),
        layer in prop::collection::vec(any_statement(), 0..5),
        denied in any_statement(),
        action in prop_oneof![
            Just("workdocs:GetFolder"), Just("workdocs:DeleteFolder"), Just("iam:GetUser")
        ],
        source_ip in prop_oneof![Just(None), Just(Some("203.0.113.7")), Just(Some("192.0.2.1"))],
    ) {
        let organization = OrganizationId::new(HERE);
        let asked = asked(action, &organization, source_ip, 0);
        let before = joined(&statements);
        let mut more = statements.clone();
        more.push(denied.replace(r#""Allow""#, r#""Deny""#));
        prop_assert!(joined(&more).decide(&asked) <= before.decide(&asked));

        let permit = Permit::everything().narrowed(vec![before]);
        let narrowed = permit.clone().narrowed(vec![joined(&layer)]);
        prop_assert!(narrowed.decide(&asked) <= permit.decide(&asked));
        prop_assert!(permit.decide(&asked) <= Permit::everything().decide(&asked));
    }
}
