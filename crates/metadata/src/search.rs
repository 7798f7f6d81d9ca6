//! Finding items by what they are called and say, each held to the caller's permissions in the very
//! statement that finds it.
//!
//! A search takes candidates in the order of the answer, some at a time, and walks up from each to see
//! whether it is there and who may see it. Where the words are common and the caller sees few items,
//! the candidates come from a walk down through what they see instead of from the index of words.

mod statements;

use docharbor_domain::limits::TREE_WALK_MAX;
use docharbor_domain::{
    CommentId, Contributor, Item, OrganizationId, SearchPhrase, SearchQuery, SearchScope,
    Timestamp, UserId,
};

#[cfg(test)]
pub(crate) use self::statements::PLANNED;
use self::statements::{
    ALL, ALL_KEYED, COUNT_MATCHES, COUNT_VISIBLE, MATCHING, MATCHING_KEYED, VISIBLE, VISIBLE_KEYED,
    VISIBLE_MATCHING, VISIBLE_MATCHING_KEYED,
};
use crate::comments::decode_profile;
use crate::driver::Tx;
use crate::items::decode_item;
use crate::search_index::organization_token;
use crate::value::{Row, Value};
use crate::versions::VERSION_AT;
use crate::{StoreError, corrupt};

/// Candidates of a search's first step; each further one takes four times as many.
const FIRST_STEP: i64 = 256;

/// Candidates of one step.
const STEP_MAX: i64 = 4_096;

/// Steps of one call. What they do not fill is an incomplete page, and the next one goes on there.
const STEPS_MAX: usize = 6;

/// Items a caller may see for the walk through them to be shorter than the one through the index.
const VISIBLE_MAX: i64 = 5_000;

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitKind {
    /// A folder.
    Folder,
    /// A document, by its latest version.
    Document,
    /// A version; in the answer the one that stands for its document.
    Version,
    /// A comment.
    Comment,
}

impl HitKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "FOLDER",
            Self::Document => "DOCUMENT",
            Self::Version => "DOCUMENT_VERSION",
            Self::Comment => "COMMENT",
        }
    }
}

/// What the found things are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchSort {
    /// How well they match; without words the last ones indexed come first.
    Relevance,
    /// The name.
    Name,
    /// The size in bytes.
    Size,
    /// When they were made.
    Created,
    /// When they were changed.
    Modified,
}

/// What of all that matches is wanted. An empty list asks for nothing in particular.
#[derive(Clone, Debug, Default)]
pub struct SearchFilters {
    /// Of these kinds.
    pub kinds: Vec<HitKind>,
    /// Of a content in one of these scripts.
    pub scripts: Vec<&'static str>,
    /// Of one of these categories.
    pub categories: Vec<&'static str>,
    /// With one of these labels.
    pub labels: Vec<String>,
    /// To which one of these principals has one of these roles; any role where none is named.
    pub principals: Vec<(String, Vec<&'static str>)>,
    /// Below one of these folders.
    pub ancestors: Vec<String>,
    /// The caller's own, where true; others', where false.
    pub is_own: Option<bool>,
    /// Not smaller and not larger, in bytes.
    pub size_bytes: (Option<i64>, Option<i64>),
    /// Not made before and not after.
    pub created: (Option<Timestamp>, Option<Timestamp>),
    /// Not changed before and not after.
    pub modified: (Option<Timestamp>, Option<Timestamp>),
}

/// What is looked for, by whom.
#[derive(Clone, Debug)]
pub struct Search {
    /// The user who asks; nobody where an administrator does, who sees everything.
    pub user: Option<UserId>,
    /// Whether the user is a guest, who reads neither comments nor what was there before.
    pub is_guest: bool,
    /// The words; without them everything is found.
    pub query: Option<SearchQuery>,
    /// What of it is wanted.
    pub filters: SearchFilters,
    /// In which order.
    pub sort: SearchSort,
    /// The least or oldest last.
    pub descending: bool,
    /// Behind this place.
    pub after: Option<SearchPlace>,
    /// At most so many.
    pub limit: i64,
}

/// A place among the candidates of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchPlace {
    /// Whether the candidates are what the caller sees.
    pub is_among_visible: bool,
    /// How many candidates stand before it.
    pub candidates: i64,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// What kind of thing it is.
    pub kind: HitKind,
    /// The folder or document, with the version that was found standing for it.
    pub item: Item,
    /// The comment, where it is one.
    pub comment: Option<FoundComment>,
}

/// A comment that was found.
#[derive(Clone, Debug)]
pub struct FoundComment {
    /// Its id.
    pub id: CommentId,
    /// Who wrote it.
    pub contributor: Contributor,
    /// Who wrote what it replies to.
    pub recipient: Option<String>,
    /// When it was written.
    pub created: Timestamp,
}

impl Tx {
    /// Finds what matches and is there for the caller, a page at a time. A page that is not full may
    /// still have a next one. Nothing where the place is no longer one of this search.
    pub async fn search(
        &mut self,
        organization: &OrganizationId,
        search: &Search,
    ) -> Result<Option<(Vec<Hit>, Option<SearchPlace>)>, StoreError> {
        self.join_as_written().await?;
        let is_among_visible = match search.after {
            None => self.sees_few(organization, search).await?,
            Some(place) if place.is_among_visible => {
                if !self.is_visible_bounded(organization, search).await? {
                    return Ok(None);
                }
                true
            }
            Some(_) => false,
        };
        let mut candidates = search.after.map_or(0, |place| place.candidates);
        let place = |candidates| SearchPlace { is_among_visible, candidates };
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let mut found: Vec<(i64, Hit)> = Vec::new();
        let mut step = FIRST_STEP;
        for _ in 0..STEPS_MAX {
            // One more than the page holds tells whether another page follows.
            let wanted = search.limit + 1 - i64::try_from(found.len()).unwrap_or(i64::MAX);
            let step_of = Step { wanted, candidates: step, after: candidates, is_among_visible };
            let args = arguments(self.is_sqlite(), organization, search, &step_of);
            let rows = self.rows(self.statement(search, is_among_visible), &args).await?;
            let looked_at = rows.first().map_or(Ok(0), |row| row.int(LOOKED_AT))?;
            for row in &rows {
                found.extend(decode(row)?);
            }
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|(at, _)| place(*at));
                return Ok(Some((hits(found), next)));
            }
            if looked_at < step {
                return Ok(Some((hits(found), None)));
            }
            candidates += step;
            step = STEP_MAX.min(step * 4);
        }
        Ok(Some((hits(found), Some(place(candidates)))))
    }

    /// Whether it is shorter to look through what the caller sees than through what matches.
    async fn sees_few(
        &mut self,
        organization: &OrganizationId,
        search: &Search,
    ) -> Result<bool, StoreError> {
        if search.user.is_none() {
            return Ok(false);
        }
        if let Some(query) = &search.query {
            let (text, site) = if self.is_sqlite() {
                (match_expression(query), organization_token(organization))
            } else {
                (text_query(organization, query), organization.as_str().to_owned())
            };
            let args = [text.into(), site.into(), FIRST_STEP.into()];
            let row = self.row(self.of_engine(&COUNT_MATCHES), &args).await?;
            if row.map_or(Ok(0), |row| row.int(0))? < FIRST_STEP {
                return Ok(false);
            }
        }
        self.is_visible_bounded(organization, search).await
    }

    async fn is_visible_bounded(
        &mut self,
        organization: &OrganizationId,
        search: &Search,
    ) -> Result<bool, StoreError> {
        let user = search.user.as_ref().map_or("", UserId::as_str);
        let args = [organization.into(), user.into(), (VISIBLE_MAX + 1).into()];
        let row = self.row(COUNT_VISIBLE, &args).await?;
        Ok(row.map_or(Ok(0), |row| row.int(0))? <= VISIBLE_MAX)
    }

    fn statement(&self, search: &Search, is_among_visible: bool) -> &'static str {
        let is_keyed = search.sort != SearchSort::Relevance;
        match (search.query.is_some(), is_among_visible, is_keyed) {
            (true, false, false) => self.of_engine(&MATCHING),
            (true, false, true) => self.of_engine(&MATCHING_KEYED),
            (true, true, false) => self.of_engine(&VISIBLE_MATCHING),
            (true, true, true) => self.of_engine(&VISIBLE_MATCHING_KEYED),
            (false, false, false) => ALL,
            (false, false, true) => ALL_KEYED,
            (false, true, false) => VISIBLE,
            (false, true, true) => VISIBLE_KEYED,
        }
    }
}

fn hits(found: Vec<(i64, Hit)>) -> Vec<Hit> {
    found.into_iter().map(|(_, hit)| hit).collect()
}

/// One step of a search.
struct Step {
    wanted: i64,
    candidates: i64,
    after: i64,
    is_among_visible: bool,
}

fn arguments(
    is_sqlite: bool,
    organization: &OrganizationId,
    search: &Search,
    step: &Step,
) -> Vec<Value> {
    let filters = &search.filters;
    let kinds: Vec<&str> = if filters.kinds.is_empty() {
        vec!["FOLDER", "DOCUMENT", "COMMENT"]
    } else {
        filters.kinds.iter().map(|kind| kind.as_str()).collect()
    };
    let principals: Vec<String> = filters
        .principals
        .iter()
        .flat_map(|(id, roles)| {
            let roles: &[&str] = if roles.is_empty() { &ROLES } else { roles };
            roles.iter().map(move |role| format!("{id}:{role}"))
        })
        .collect();
    let (sort, is_ascending) = match search.sort {
        // The best match has the lowest number.
        SearchSort::Relevance => ("", search.descending),
        SearchSort::Name => ("NAME", !search.descending),
        SearchSort::Size => ("SIZE", !search.descending),
        SearchSort::Created => ("CREATED", !search.descending),
        SearchSort::Modified => ("MODIFIED", !search.descending),
    };
    let text = match &search.query {
        None => String::new(),
        Some(query) if !is_sqlite => text_query(organization, query),
        Some(query) if step.is_among_visible => query.encode(),
        Some(query) => match_expression(query),
    };
    vec![
        organization.into(),
        search.user.as_ref().map_or("", UserId::as_str).into(),
        TREE_WALK_MAX.into(),
        step.wanted.into(),
        step.candidates.into(),
        step.after.into(),
        (if is_ascending { 1 } else { -1 }).into(),
        sort.into(),
        search.is_guest.into(),
        list(&kinds).into(),
        list(&filters.scripts).into(),
        list(&filters.categories).into(),
        list(&filters.labels).into(),
        list(&principals).into(),
        list(&filters.ancestors).into(),
        filters.is_own.map(i64::from).into(),
        filters.size_bytes.0.into(),
        filters.size_bytes.1.into(),
        filters.created.0.into(),
        filters.created.1.into(),
        filters.modified.0.into(),
        filters.modified.1.into(),
        text.into(),
        organization_token(organization).into(),
    ]
}

/// The roles somebody can have.
const ROLES: [&str; 4] = ["VIEWER", "CONTRIBUTOR", "COOWNER", "OWNER"];

/// A list as the statements read it: a bar before and behind each value. What has a bar in it is the value of
/// nothing we keep in lists, so it is left out; a list of nothing else finds nothing.
fn list(values: &[impl AsRef<str>]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let kept = values.iter().map(AsRef::as_ref).filter(|value| !value.contains('|'));
    kept.fold("|".to_owned(), |text, value| text + value + "|")
}

/// A query as FTS5 reads it: every token stands in quotes, and nothing of what was typed outside.
fn match_expression(query: &SearchQuery) -> String {
    let columns = match query.scope {
        SearchScope::All => "{name content}",
        SearchScope::Name => "{name}",
        SearchScope::Content => "{content}",
    };
    let phrase = |phrase: &SearchPhrase| {
        let end = if phrase.is_prefix { " *" } else { "" };
        let tokens: Vec<String> =
            phrase.tokens.iter().map(|token| token.replace('"', "")).collect();
        format!("\"{}\"{end}", tokens.join(" "))
    };
    format!("{columns} : ({})", joined(query, phrase, " AND ", " OR "))
}

/// A query as PostgreSQL reads it.
fn text_query(organization: &OrganizationId, query: &SearchQuery) -> String {
    let weight = match query.scope {
        SearchScope::All => "",
        SearchScope::Name => "A",
        SearchScope::Content => "D",
    };
    let phrase = |phrase: &SearchPhrase| {
        let last = phrase.tokens.len() - 1;
        let token = |(at, token): (usize, &String)| {
            let star = if phrase.is_prefix && at == last { "*" } else { "" };
            let marks = format!("{star}{weight}");
            let colon = if marks.is_empty() { "" } else { ":" };
            format!("'{}'{colon}{marks}", token.replace(['\'', '\\'], ""))
        };
        let tokens: Vec<String> = phrase.tokens.iter().enumerate().map(token).collect();
        format!("({})", tokens.join(" <-> "))
    };
    let words = joined(query, phrase, " & ", " | ");
    format!("'@{}' & ({words})", organization_token(organization))
}

fn joined(
    query: &SearchQuery,
    phrase: impl Fn(&SearchPhrase) -> String,
    and: &str,
    or: &str,
) -> String {
    let alternative = |phrases: &Vec<SearchPhrase>| {
        let phrases: Vec<String> = phrases.iter().map(&phrase).collect();
        format!("({})", phrases.join(and))
    };
    let alternatives: Vec<String> = query.alternatives.iter().map(alternative).collect();
    alternatives.join(or)
}

/// Where a row tells how many candidates were looked at.
const LOOKED_AT: usize = VERSION_AT + 15;

/// Reads a row; the one that only tells how many candidates there were has nothing else.
fn decode(row: &Row) -> Result<Option<(i64, Hit)>, StoreError> {
    let Some(place) = row.int_opt(LOOKED_AT + 1)? else { return Ok(None) };
    let kind = match row.text(LOOKED_AT + 2)? {
        "FOLDER" => HitKind::Folder,
        "DOCUMENT" => HitKind::Document,
        "DOCUMENT_VERSION" => HitKind::Version,
        "COMMENT" => HitKind::Comment,
        other => return Err(corrupt("search_entry", &format!("kind {other}"))),
    };
    let comment = match row.text_opt(LOOKED_AT + 3)? {
        None => None,
        Some(id) => {
            let profile = decode_profile(row, LOOKED_AT + 7)?;
            Some(FoundComment {
                id: CommentId::new(id),
                contributor: Contributor::new(row.text(LOOKED_AT + 4)?, profile),
                recipient: row.text_opt(LOOKED_AT + 5)?.map(str::to_owned),
                created: row.timestamp(LOOKED_AT + 6)?,
            })
        }
    };
    Ok(Some((place, Hit { kind, item: decode_item(row)?, comment })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(scope: SearchScope) -> SearchQuery {
        let phrase = |tokens: &[&str], is_prefix| SearchPhrase {
            tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
            is_prefix,
        };
        let alternatives = vec![
            vec![phrase(&["a", "b"], true), phrase(&["c"], false)],
            vec![phrase(&["d"], false)],
        ];
        SearchQuery { alternatives, scope }
    }

    #[test]
    fn each_engine_is_asked_in_its_own_words() {
        assert_eq!(
            match_expression(&query(SearchScope::All)),
            "{name content} : ((\"a b\" * AND \"c\") OR (\"d\"))"
        );
        let organization = OrganizationId::new("d-12");
        assert_eq!(
            text_query(&organization, &query(SearchScope::Name)),
            "'@d12' & ((('a':A <-> 'b':*A) & ('c':A)) | (('d':A)))"
        );
        assert_eq!(
            text_query(&organization, &query(SearchScope::All)),
            "'@d12' & ((('a' <-> 'b':*) & ('c')) | (('d')))"
        );
    }

    #[test]
    fn a_list_has_a_bar_before_and_behind_each_value() {
        assert_eq!(list(&[""; 0]), "");
        assert_eq!(list(&["a", "b|c", "d"]), "|a|d|");
    }
}
