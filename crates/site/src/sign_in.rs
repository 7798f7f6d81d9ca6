//! Signing in with a password, and the browsers in which somebody is signed in.
//!
//! Each attempt is counted as a failure before the password is looked at, and the count is given back
//! when it was right: attempts made at once cannot slip past it, on however many nodes.

use std::net::IpAddr;

use argon2::{Argon2, PasswordVerifier as _};
use docharbor_domain::{OrganizationId, Refusal, Timestamp, UserId, UserStatus, UserType, folded};
use docharbor_metadata::{Failures, PasswordRow, Tx};
use zeroize::Zeroizing;

use crate::keyring::token_hash;
use crate::{Error, Site};

/// How long a browser stays signed in: a working day.
const SESSION_LIFETIME_MS: i64 = 12 * 3_600_000;

/// After so long without a failure half of them are forgotten, and so on.
const FAILURES_HALVE_MS: i64 = 15 * 60_000;

/// The first wait after the free attempts; each further failure doubles it.
const FIRST_WAIT_MS: i64 = 1_000;

/// What a name, an address and everybody together may try without waiting, and how long the longest
/// wait is. A name is cheap to protect; an address may be an office's; and all together must not be
/// kept out for long by one attacker.
const LIMITS: [Limit; 3] = [
    Limit { free: 500, longest_wait_ms: 5_000 },
    Limit { free: 20, longest_wait_ms: 15 * 60_000 },
    Limit { free: 5, longest_wait_ms: 15 * 60_000 },
];

/// Passwords that wait for a turn to be hashed, at the most. More are sent away, so that a flood
/// neither fills the memory nor makes those wait for minutes who are right.
const WAITING_MAX: usize = 32;

/// Verified in place of a password that is nobody's, so that a name nobody has takes as long. Of the
/// parameters of `Argon2::default()`.
const NOBODYS_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGtub3dzIG1l$\
                            2iYvT8nGuvEuKFR0P8Glwq8nGfQgJvBvZyBzWfEp8qY";

struct Limit {
    free: i64,
    longest_wait_ms: i64,
}

/// Somebody who is at the door with a name and a password.
pub struct Attempt {
    /// The site they want to enter.
    pub organization: OrganizationId,
    /// The user name or e-mail address.
    pub name: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// Where they call from, as far as it is known.
    pub address: Option<IpAddr>,
}

/// What became of an attempt.
#[derive(Debug)]
pub enum SignIn {
    /// They are in: the text for the browser's cookie, which is shown this once.
    Done(Zeroizing<String>),
    /// Name or password is wrong, or the user may not use the site: one answer for all.
    Wrong,
    /// Too many attempts came before this one.
    Wait {
        /// When the next is looked at, in milliseconds from now.
        retry_ms: i64,
    },
}

/// Who is signed in in a browser.
#[derive(Clone, Debug)]
pub struct WebSession {
    /// The user's site.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
    /// The user's type.
    pub user_type: UserType,
}

impl Site {
    /// Signs somebody in, if the password is right and not too many were wrong before.
    pub async fn sign_in(&self, attempt: Attempt) -> Result<SignIn, Error> {
        let organization = attempt.organization.clone();
        let subjects = subjects(&attempt);
        if let Some(retry_ms) = self.count_attempt(&organization, &subjects).await? {
            return Ok(SignIn::Wait { retry_ms });
        }
        let nobody = token_hash(&attempt.name);
        let input = (organization.clone(), attempt.name);
        let row = self
            .look_up(input, |tx, (organization, name)| {
                Box::pin(async move { Ok(tx.password(organization, name).await?) })
            })
            .await?;
        // The directory is asked for the user's name there, whether that or an address was typed. It
        // is asked for names nobody has, too: both answers take as long. Then it is asked for a name
        // that it cannot have either, because it may take what is no name of ours for one of its own,
        // and passwords could be tried there that are not counted for that name.
        let found = match &row {
            Some(row) if !row.is_from_directory => None,
            row => {
                let asked = row.as_ref().map_or(&nobody, |row| &row.username);
                self.directory_sign_in(&organization, asked, &attempt.password).await?
            }
        };
        let usable = row.filter(|row| row.status == UserStatus::Active);
        if let Some(row) = usable.as_ref().filter(|row| found.as_ref() == Some(&row.user)) {
            return self.begin_session(&organization, row.clone(), subjects).await;
        }
        let usable = usable.filter(|row| !row.is_from_directory && !row.password_hash.is_empty());
        let hash = usable.as_ref().map_or(NOBODYS_HASH, |row| row.password_hash.as_str());
        let Some(is_right) = self.is_password(attempt.password, hash.to_owned()).await? else {
            return Ok(SignIn::Wait { retry_ms: FIRST_WAIT_MS });
        };
        match usable {
            Some(row) if is_right => self.begin_session(&organization, row, subjects).await,
            Some(_) | None => Ok(SignIn::Wrong),
        }
    }

    /// Finds whom a name to sign in with means, for the record of the attempt alone.
    pub async fn user_signing_in(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<UserId>, Error> {
        let input = (organization.clone(), name.to_owned());
        let row = self.look_up(input, |tx, (organization, name)| {
            Box::pin(async move { Ok(tx.password(organization, name).await?) })
        });
        Ok(row.await?.map(|row| row.user))
    }

    /// Finds who is signed in in the browser that holds a cookie. A session ends with its time, with
    /// the user's activity and with a new password.
    pub async fn web_session(&self, cookie: &str) -> Result<Option<WebSession>, Error> {
        let row = self
            .look_up(token_hash(cookie), |tx, hash| {
                Box::pin(async move { Ok(tx.session(hash).await?) })
            })
            .await?;
        let now = self.now();
        let row = row.filter(|row| now < row.expires && row.status == UserStatus::Active);
        Ok(row.map(|row| WebSession {
            organization: row.organization,
            user: row.user,
            user_type: row.user_type,
        }))
    }

    /// The name of who is signed in.
    pub async fn session_username(&self, session: &WebSession) -> Result<String, Error> {
        let input = (session.organization.clone(), session.user.clone());
        let user = self
            .look_up(input, |tx, (organization, user)| {
                Box::pin(async move { Ok(tx.user(organization, user).await?) })
            })
            .await?;
        Ok(user.map(|user| user.username).unwrap_or_default())
    }

    /// Signs a browser out.
    pub async fn sign_out(&self, organization: &OrganizationId, cookie: &str) -> Result<(), Error> {
        let input = (organization.clone(), token_hash(cookie));
        self.write(input, |tx, (organization, hash)| {
            Box::pin(async move { Ok(tx.delete_session(organization, hash).await?) })
        })
        .await
    }

    /// Gives a user, named by user name, another password, and ends every session of theirs.
    pub async fn reset_password(
        &self,
        organization: &OrganizationId,
        username: &str,
        password: Zeroizing<String>,
    ) -> Result<(), Error> {
        let hash = self.hash_password(password).await?;
        let input = (organization.clone(), username.to_owned(), hash);
        self.write(input, |tx, (organization, username, hash)| {
            Box::pin(async move {
                let user = tx.user_by_name(organization, username).await?;
                let user = user.ok_or(Refusal::NotFound { what: "the user", ids: Vec::new() })?;
                if tx.directory_key(organization, &user.id).await?.is_some() {
                    let text = "the user's password is the connected directory's; change it there";
                    return Err(Refusal::NotAllowed(text).into());
                }
                tx.set_password(organization, &user.id, hash).await?;
                Ok(tx.delete_web_sessions(organization, &user.id).await?)
            })
        })
        .await
    }

    /// Counts an attempt against all its subjects, or says how long to wait if it comes too early.
    async fn count_attempt(
        &self,
        organization: &OrganizationId,
        subjects: &[String; 3],
    ) -> Result<Option<i64>, Error> {
        let input = (organization.clone(), subjects.clone(), self.now());
        self.write(input, |tx, (organization, subjects, now)| {
            Box::pin(count_attempt(tx, organization, subjects, *now))
        })
        .await
    }

    /// Whether a password has a hash; nothing if too many others wait for the answer.
    async fn is_password(
        &self,
        password: Zeroizing<String>,
        hash: String,
    ) -> Result<Option<bool>, Error> {
        const FAULT: Error = Error::Fault("a password could not be verified");
        let Ok(_place) = self.verifying.try_acquire() else { return Ok(None) };
        let _turn = self.hashing.acquire().await.map_err(|_| FAULT)?;
        let verifying = tokio::task::spawn_blocking(move || {
            Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok()
        });
        verifying.await.map(Some).map_err(|_| FAULT)
    }

    /// Begins a session, unless the password has become another one since it was looked at.
    async fn begin_session(
        &self,
        organization: &OrganizationId,
        known: PasswordRow,
        subjects: [String; 3],
    ) -> Result<SignIn, Error> {
        let bytes: [u8; 32] = self.random();
        let cookie = Zeroizing::new(hex::encode(bytes));
        let input = (organization.clone(), known, token_hash(&cookie), subjects, self.now());
        let begun = self
            .write(input, |tx, (organization, known, hash, subjects, now)| {
                Box::pin(async move {
                    forgive(tx, organization, subjects).await?;
                    let held = tx.password_hash_locked(organization, &known.user).await?;
                    if held.as_ref() != Some(&known.password_hash) {
                        return Ok::<_, Error>(false);
                    }
                    let expires = now.plus_millis(SESSION_LIFETIME_MS);
                    tx.insert_session(organization, hash, &known.user, *now, expires).await?;
                    Ok(true)
                })
            })
            .await?;
        Ok(if begun { SignIn::Done(cookie) } else { SignIn::Wrong })
    }
}

/// How many attempts may wait for their password to be verified at a time.
pub(crate) const fn verifying_max() -> usize {
    WAITING_MAX
}

/// What an attempt is counted against, in the order it is locked in: all together, the address, the
/// name. A name is kept as a hash, because people type passwords into the wrong field.
fn subjects(attempt: &Attempt) -> [String; 3] {
    let address = address_subject(attempt.address);
    let name = token_hash(&format!("{}|{}", attempt.organization, folded(&attempt.name)));
    ["everybody".to_owned(), address, format!("name:{name}")]
}

/// What is counted against an address.
pub(crate) fn address_subject(address: Option<IpAddr>) -> String {
    match address {
        Some(IpAddr::V4(address)) => format!("address:{address}"),
        // Whoever has one address of the sixth version has the 2^64 beside it.
        Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => format!("address:{address}"),
            None => format!("address:{:x?}", &address.segments()[..4]),
        },
        None => "address:unknown".to_owned(),
    }
}

async fn count_attempt(
    tx: &mut Tx,
    organization: &OrganizationId,
    subjects: &[String; 3],
    now: Timestamp,
) -> Result<Option<i64>, Error> {
    let mut counted = Vec::with_capacity(subjects.len());
    for (subject, limit) in subjects.iter().zip(&LIMITS) {
        let failures = remembered(tx.failures_locked(organization, subject).await?, now);
        let since_ms = now.as_millis() - failures.last.as_millis();
        let wait_ms = limit.wait_ms(failures.count) - since_ms;
        if wait_ms > 0 {
            return Ok(Some(wait_ms));
        }
        counted.push((subject, Failures { count: failures.count + 1, last: now }));
    }
    for (subject, failures) in counted {
        tx.put_failures(organization, subject, failures).await?;
    }
    Ok(None)
}

/// Takes back what an attempt was counted that turned out right; its name begins anew.
async fn forgive(
    tx: &mut Tx,
    organization: &OrganizationId,
    subjects: &[String; 3],
) -> Result<(), Error> {
    let [everybody, address, name] = subjects;
    for subject in [everybody, address] {
        let failures = tx.failures_locked(organization, subject).await?;
        let count = (failures.count - 1).max(0);
        tx.put_failures(organization, subject, Failures { count, ..failures }).await?;
    }
    let failures = tx.failures_locked(organization, name).await?;
    tx.put_failures(organization, name, Failures { count: 0, ..failures }).await?;
    Ok(())
}

/// What is still remembered of failures: half after a while without any, a quarter after two.
fn remembered(failures: Failures, now: Timestamp) -> Failures {
    let halvings = (now.as_millis() - failures.last.as_millis()).max(0) / FAILURES_HALVE_MS;
    let halvings = u32::try_from(halvings).unwrap_or(u32::MAX);
    Failures { count: failures.count.checked_shr(halvings).unwrap_or(0), ..failures }
}

impl Limit {
    /// How long to wait after so many failures.
    fn wait_ms(&self, failures: i64) -> i64 {
        let beyond = failures - self.free;
        if beyond < 0 {
            return 0;
        }
        let doublings = u32::try_from(beyond).unwrap_or(u32::MAX).min(30);
        (FIRST_WAIT_MS << doublings).min(self.longest_wait_ms)
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher as _;

    use super::*;

    #[test]
    fn nobodys_hash_costs_what_a_users_does() {
        let real = Argon2::default().hash_password_with_salt(b"password", &[7; 16]).unwrap();
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(NOBODYS_HASH), cost(&real.to_string()));
        let verified = Argon2::default().verify_password(b"password", NOBODYS_HASH);
        assert_eq!(verified, Err(argon2::password_hash::Error::PasswordInvalid));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let limit = Limit { free: 5, longest_wait_ms: 10_000 };
        let waits: Vec<i64> = (3..11).map(|failures| limit.wait_ms(failures)).collect();
        assert_eq!(waits, [0, 0, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(limit.wait_ms(i64::MAX), 10_000);
    }

    #[test]
    fn an_address_of_the_sixth_version_counts_with_its_network() {
        let subject = |address: &str| {
            let attempt = Attempt {
                organization: OrganizationId::new("d-0123456789"),
                name: "Ann".to_owned(),
                password: Zeroizing::new(String::new()),
                address: Some(address.parse().unwrap()),
            };
            subjects(&attempt)[1].clone()
        };
        assert_eq!(subject("2001:db8::1"), subject("2001:db8::ffff:1"));
        assert_ne!(subject("2001:db8::1"), subject("2001:db8:0:1::1"));
        assert_eq!(subject("::ffff:192.0.2.1"), subject("192.0.2.1"));
    }
}
