//! Wildcards of policies, and what actions and resources they name.

/// The services whose actions this server decides about.
const SERVICES: [&str; 4] = ["workdocs", "zocalo", "iam", "sts"];

/// Whether a pattern can name no action of this server: one of another service.
pub(super) fn is_foreign(pattern: &str) -> bool {
    pattern
        .split_once(':')
        .is_some_and(|(service, _)| !SERVICES.iter().any(|ours| service.eq_ignore_ascii_case(ours)))
}

/// Matches `workdocs:Get*`, `zocalo:*`, `iam:*` or `*` with a full action; letter case does not
/// count, and `zocalo` is WorkDocs' first name.
pub(super) fn action_matches(pattern: &str, action: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let Some((service, name)) = pattern.split_once(':') else { return pattern == "*" };
    let action = action.to_ascii_lowercase();
    let Some((wanted, operation)) = action.split_once(':') else { return false };
    let service = if service == "zocalo" { "workdocs" } else { service };
    service == wanted && wildcard_matches(name.as_bytes(), operation.as_bytes())
}

/// `*` stands for any run of characters, `?` for one. Linear in space, without recursion.
pub(super) fn wildcard_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star, mut resume) = (0, None, 0);
    let mut position = 0;
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some(at);
                resume = position;
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[position] => {
                at += 1;
                position += 1;
            }
            Some(_) | None => {
                let Some(star) = star else { return false };
                at = star + 1;
                resume += 1;
                position = resume;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}
