//! Users of a site.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::{FolderId, OrganizationId, Refusal, Timestamp, UserId};

/// A user of a site, with the two folders every user has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The site.
    pub organization: OrganizationId,
    /// The name the user signs in with, unique in the site whatever its letter case.
    pub username: String,
    /// The mail address, where one was given.
    pub email: Option<String>,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub surname: String,
    /// Whether the user may use the site now.
    pub status: UserStatus,
    /// What the user may do to the site.
    pub user_type: UserType,
    /// The time zone, as an IANA name.
    pub time_zone: Option<String>,
    /// The language, as the protocol spells it.
    pub locale: Option<String>,
    /// How much the user may store.
    pub storage_rule: StorageRule,
    /// How much is stored or promised to running uploads, in bytes.
    pub storage_used_bytes: i64,
    /// The folder all of the user's documents stand below.
    pub root_folder: FolderId,
    /// The folder that holds what the user threw away.
    pub recycle_bin: FolderId,
    /// When the user was made.
    pub created: Timestamp,
    /// When the user last changed.
    pub modified: Timestamp,
}

/// Names and addresses of people must not reach a log.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether a user may use the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserStatus {
    /// May.
    Active,
    /// May not; everything is kept.
    Inactive,
    /// Was invited and has not come yet.
    Pending,
}

/// What a user may do to the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserType {
    /// Owns documents.
    User,
    /// Administers the site.
    Admin,
    /// Has special rights by the site's settings.
    PowerUser,
    /// A guest: sees what is shared with them.
    MinimalUser,
    /// Has a `WorkSpace`.
    WorkspacesUser,
}

/// How much a user may store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageRule {
    /// As much as there is room for.
    Unlimited,
    /// So many bytes.
    Quota(i64),
}

impl StorageRule {
    /// The quota in bytes, where there is one.
    pub const fn allocated_bytes(self) -> Option<i64> {
        match self {
            Self::Unlimited => None,
            Self::Quota(bytes) => Some(bytes),
        }
    }

    /// Decides why more bytes do not fit: the storage is full already, or would be overrun.
    pub const fn refusal(self, used_bytes: i64) -> Refusal {
        match self {
            Self::Quota(allocated) if used_bytes >= allocated => Refusal::StorageExceeded,
            Self::Quota(_) | Self::Unlimited => Refusal::StorageWillExceed,
        }
    }
}

/// What an administrator changes about a user; what is `None` stays.
#[derive(Clone, Default)]
pub struct UserChange {
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub surname: Option<String>,
    /// The type.
    pub user_type: Option<UserType>,
    /// The storage rule.
    pub storage_rule: Option<StorageRule>,
    /// The time zone.
    pub time_zone: Option<String>,
    /// The language.
    pub locale: Option<String>,
    /// Gives or takes the rights of a power user.
    pub grant_poweruser: Option<bool>,
}

impl User {
    /// The user after a change.
    pub fn changed(mut self, change: &UserChange, now: Timestamp) -> Result<Self, Refusal> {
        if let Some(user_type) = change.user_type {
            if self.user_type != UserType::MinimalUser && user_type == UserType::MinimalUser {
                return Err(Refusal::ProhibitedState("a user cannot become a guest again"));
            }
            self.user_type = user_type;
        }
        match (change.grant_poweruser, self.user_type) {
            (Some(true), UserType::User) => self.user_type = UserType::PowerUser,
            (Some(false), UserType::PowerUser) => self.user_type = UserType::User,
            (Some(_) | None, _) => {}
        }
        if let Some(given_name) = &change.given_name {
            self.given_name.clone_from(given_name);
        }
        if let Some(surname) = &change.surname {
            self.surname.clone_from(surname);
        }
        if let Some(storage_rule) = change.storage_rule {
            self.storage_rule = storage_rule;
        }
        self.time_zone = change.time_zone.clone().or(self.time_zone);
        self.locale = change.locale.clone().or(self.locale);
        self.modified = now;
        Ok(self)
    }

    /// How many bytes fit beside all that is stored, for something already charged with some.
    pub fn room_bytes(&self, charged_bytes: i64) -> u64 {
        let Some(allocated) = self.storage_rule.allocated_bytes() else { return u64::MAX };
        let free = allocated.saturating_sub(self.storage_used_bytes).max(0);
        u64::try_from(free.saturating_add(charged_bytes)).unwrap_or(0)
    }

    /// The words a user query is matched against by prefix, folded and set apart by blanks.
    pub fn search_text(&self) -> String {
        let names = [&self.given_name, &self.surname, &self.username];
        let words = names.into_iter().chain(&self.email).flat_map(|text| search_words(text));
        words.fold(String::new(), |text, word| text + " " + &word)
    }

    /// What users are sorted by under `FULL_NAME`.
    pub fn full_name_key(&self) -> String {
        folded(&format!("{} {}", self.given_name, self.surname))
    }
}

/// Text without regard to letter case and accents, so that `ma` finds `Márcia`.
pub fn folded(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The blank-separated words of a text, folded.
pub fn search_words(text: &str) -> Vec<String> {
    text.split_whitespace().map(folded).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_split() {
        assert_eq!(search_words("Márcia  OLIVEIRA"), ["marcia", "oliveira"]);
        assert!(search_words("  ").is_empty());
    }

    #[test]
    fn a_full_store_and_an_overrun_are_told_apart() {
        assert_eq!(StorageRule::Quota(10).refusal(10), Refusal::StorageExceeded);
        assert_eq!(StorageRule::Quota(10).refusal(11), Refusal::StorageExceeded);
        assert_eq!(StorageRule::Quota(10).refusal(9), Refusal::StorageWillExceed);
    }
}
