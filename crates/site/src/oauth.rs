//! How a program comes by a user's token: after consent, by a code, or by a code typed elsewhere.

use std::net::IpAddr;

use docharbor_domain::{
    ApplicationId, OrganizationId, RedirectUri, Refusal, Scopes, Timestamp, UserId, UserStatus,
};
use docharbor_metadata::{Application, CodeRow, DeviceRow, DeviceStatus, Inserted, NewToken, Tx};
use zeroize::Zeroizing;

use crate::keyring::{token_hash, token_text};
use crate::sign_in::address_subject;
use crate::{Error, Site};

/// How long a program's token works, in milliseconds.
pub const APPLICATION_TOKEN_LIFETIME_MS: i64 = 3_600_000;

/// How long a device's codes work, in milliseconds.
pub const DEVICE_LIFETIME_MS: i64 = 600_000;

/// How long a device waits between two questions, in milliseconds.
pub const DEVICE_INTERVAL_MS: i64 = 5_000;

/// How long an authorization code works: a browser needs a moment to carry it over.
const CODE_LIFETIME_MS: i64 = 60_000;

/// Wrong codes a user may type, until the time below has passed.
const GUESSES_MAX: i64 = 10;
const GUESSES_FORGOTTEN_MS: i64 = 600_000;

/// Devices of one application that may wait at a time: more would be somebody filling the database.
const DEVICES_MAX: i64 = 1_000;

/// Devices of one application that may begin at one address, until none has for the time below: whoever
/// is there cannot take the places of everybody else.
const DEVICES_OF_ADDRESS_MAX: i64 = 60;

/// How long a device is told that its time is over, before its codes are as unknown as any other.
pub(crate) const DEVICE_REMEMBERED_MS: i64 = 600_000;

/// What people type: no vowels, so that no words come about, and nothing that looks like another.
const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A token just given out.
pub struct Issued {
    /// Its text.
    pub text: Zeroizing<String>,
    /// What it may do.
    pub scopes: Scopes,
}

/// Why a program gets no token, in the words of RFC 6749 and RFC 8628.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ungranted {
    /// The code is not known, was used, is over, or was given to somebody else.
    InvalidGrant,
    /// Nobody answered yet.
    Pending,
    /// The device asks too often.
    SlowDown,
    /// A user refused.
    Denied,
    /// The device's time is over.
    Expired,
}

/// What a program sends with an authorization code.
#[derive(Clone)]
pub struct CodeClaim {
    /// The code.
    pub code: Zeroizing<String>,
    /// Which program sends it.
    pub application: ApplicationId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The SHA-256 of the verifier, in base 64.
    pub challenge: String,
}

/// A device's question that begins.
pub struct DeviceStart {
    /// What the device asks with.
    pub device_code: Zeroizing<String>,
    /// What a person types.
    pub user_code: String,
}

/// A device's question, as a user is asked it.
#[derive(Clone)]
pub struct PendingDevice {
    /// The program that asks.
    pub application: Application,
    /// What it asks for.
    pub scopes: Scopes,
    /// The code as the device shows it.
    pub user_code: String,
}

struct Answer {
    organization: OrganizationId,
    user: UserId,
    user_code: String,
    status: DeviceStatus,
    now: Timestamp,
}

impl Site {
    /// Gives a program a token of a user who consented.
    pub async fn grant_token(
        &self,
        application: &Application,
        user: &UserId,
        scopes: Scopes,
    ) -> Result<Issued, Error> {
        let text = token_text(self.random());
        let Application { organization, id, .. } = application;
        let hash = token_hash(&text);
        let token = new_token(organization, id, user, scopes, &hash, self.now());
        self.write(token, |tx, token| {
            Box::pin(async move {
                if insert_token(tx, token).await? {
                    return Ok(());
                }
                Err(Refusal::NotAllowed("the application or the user is gone").into())
            })
        })
        .await?;
        Ok(Issued { text, scopes })
    }

    /// Gives a program a code, which it can exchange for a token once.
    pub async fn grant_code(
        &self,
        application: &Application,
        user: &UserId,
        scopes: Scopes,
        redirect_uri: &RedirectUri,
        challenge: &str,
    ) -> Result<Zeroizing<String>, Error> {
        let random: [u8; 32] = self.random();
        let text = Zeroizing::new(hex::encode(random));
        let row = CodeRow {
            organization: application.organization.clone(),
            hash: token_hash(&text),
            application: application.id.clone(),
            user: user.clone(),
            redirect_uri: redirect_uri.as_str().to_owned(),
            scopes,
            challenge: challenge.to_owned(),
            expires: self.now().plus_millis(CODE_LIFETIME_MS),
        };
        self.write(row, |tx, row| {
            Box::pin(async move { Ok::<_, Error>(tx.insert_authorization_code(row).await?) })
        })
        .await?;
        Ok(text)
    }

    /// Exchanges a code for a token. Whatever comes of it, the code is used up.
    pub async fn redeem_code(&self, claim: CodeClaim) -> Result<Result<Issued, Ungranted>, Error> {
        let text = token_text(self.random());
        let input = (token_hash(&claim.code), claim, token_hash(&text), self.now());
        let granted = self
            .write(input, |tx, (hash, claim, token, now)| {
                Box::pin(redeem_code(tx, hash, claim, token, *now))
            })
            .await?;
        Ok(granted.map(|scopes| Issued { text, scopes }).ok_or(Ungranted::InvalidGrant))
    }

    /// Begins to wait for a user who will type a code elsewhere. It is refused with the limit where
    /// too many wait already.
    pub async fn begin_device(
        &self,
        application: &Application,
        scopes: Scopes,
        address: Option<IpAddr>,
    ) -> Result<DeviceStart, Error> {
        let beginner = format!("device-begin|{}|{}", application.id, address_subject(address));
        // Two devices with one user code are nearly impossible; of three attempts, one succeeds.
        for _ in 0..3 {
            let random: [u8; 32] = self.random();
            let device_code = Zeroizing::new(hex::encode(random));
            let user_code = user_code(self.random());
            let row = DeviceRow {
                organization: application.organization.clone(),
                hash: token_hash(&device_code),
                application: application.id.clone(),
                scopes,
                status: DeviceStatus::Pending,
                user: None,
                polled: Timestamp::from_millis(0),
                expires: self.now().plus_millis(DEVICE_LIFETIME_MS),
            };
            let input = (row, user_code.clone(), beginner.clone(), self.now());
            let inserted = self
                .write(input, |tx, (row, user_code, beginner, now)| {
                    Box::pin(insert_device(tx, row, user_code, beginner, *now))
                })
                .await?;
            if inserted == Inserted::Yes {
                return Ok(DeviceStart { device_code, user_code });
            }
        }
        Err(Error::Fault("no free user code was found for a device"))
    }

    /// Finds what a device asks for by what a user typed. Wrong codes are counted: who types too many
    /// has to wait.
    pub async fn pending_device(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        typed: &str,
    ) -> Result<Option<PendingDevice>, Error> {
        let answer = self.answer(organization, user, typed, DeviceStatus::Pending);
        let found = self.write(answer, |tx, answer| Box::pin(find_device(tx, answer))).await?;
        Ok(found?.map(|(_, pending)| pending))
    }

    /// Notes what a user answers to a device's question. Tells whose it was, if there was one.
    pub async fn answer_device(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        typed: &str,
        allow: bool,
    ) -> Result<Option<Application>, Error> {
        let status = if allow { DeviceStatus::Allowed } else { DeviceStatus::Denied };
        let answer = self.answer(organization, user, typed, status);
        self.write(answer, |tx, answer| {
            Box::pin(async move {
                let Some((device, pending)) = (match find_device(tx, answer).await? {
                    Ok(found) => found,
                    Err(refusal) => return Ok(Err(refusal)),
                }) else {
                    return Ok(Ok(None));
                };
                let Answer { organization, user, status, .. } = answer;
                let decided = tx.decide_device(organization, &device.hash, *status, user).await?;
                Ok::<_, Error>(Ok(decided.then_some(pending.application)))
            })
        })
        .await?
        .map_err(Error::Refused)
    }

    /// Exchanges a device's code for a token, once a user consented.
    pub async fn redeem_device(
        &self,
        device_code: &str,
        application: &ApplicationId,
    ) -> Result<Result<Issued, Ungranted>, Error> {
        let text = token_text(self.random());
        let input = (token_hash(device_code), application.clone(), token_hash(&text), self.now());
        let granted = self
            .write(input, |tx, (hash, application, token, now)| {
                Box::pin(redeem_device(tx, hash, application, token, *now))
            })
            .await?;
        Ok(granted.map(|scopes| Issued { text, scopes }))
    }

    fn answer(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        typed: &str,
        status: DeviceStatus,
    ) -> Answer {
        let (organization, user) = (organization.clone(), user.clone());
        Answer { organization, user, user_code: plain(typed), status, now: self.now() }
    }
}

fn new_token(
    organization: &OrganizationId,
    application: &ApplicationId,
    user: &UserId,
    scopes: Scopes,
    hash: &str,
    now: Timestamp,
) -> NewToken {
    NewToken {
        organization: organization.clone(),
        hash: hash.to_owned(),
        user: user.clone(),
        scopes,
        created: now,
        expires: now.plus_millis(APPLICATION_TOKEN_LIFETIME_MS),
        application: application.clone(),
    }
}

/// Adds a token, if its program is still registered and its user may still come in.
async fn insert_token(tx: &mut Tx, token: &NewToken) -> Result<bool, Error> {
    tx.lock_organization(&token.organization).await?;
    let application = tx.application(&token.application).await?;
    let user = tx.user(&token.organization, &token.user).await?;
    let is_active = user.is_some_and(|user| user.status == UserStatus::Active);
    let is_registered = application.is_some_and(|found| found.organization == token.organization);
    if !is_active || !is_registered {
        return Ok(false);
    }
    tx.insert_application_token(token).await?;
    Ok(true)
}

async fn insert_device(
    tx: &mut Tx,
    device: &DeviceRow,
    user_code: &str,
    beginner: &str,
    now: Timestamp,
) -> Result<Inserted, Error> {
    let organization = &device.organization;
    let begun = guesses(tx, organization, beginner, now).await?;
    let waiting = tx.count_devices(organization, &device.application, now).await?;
    if DEVICES_OF_ADDRESS_MAX <= begun || DEVICES_MAX <= waiting {
        let text =
            "too many devices of this application wait for an answer; try again in ten minutes";
        return Err(Refusal::LimitExceeded(text).into());
    }
    tx.count_guess(organization, beginner, now).await?;
    Ok(tx.insert_device(device, user_code).await?)
}

/// How often something was counted of late.
async fn guesses(
    tx: &mut Tx,
    organization: &OrganizationId,
    subject: &str,
    now: Timestamp,
) -> Result<i64, Error> {
    match tx.guesses(organization, subject).await? {
        Some((_, last)) if last.plus_millis(GUESSES_FORGOTTEN_MS) <= now => {
            tx.forget_guesses(organization, subject).await?;
            Ok(0)
        }
        Some((guesses, _)) => Ok(guesses),
        None => Ok(0),
    }
}

async fn redeem_code(
    tx: &mut Tx,
    hash: &str,
    claim: &CodeClaim,
    token: &str,
    now: Timestamp,
) -> Result<Option<Scopes>, Error> {
    let Some(code) = tx.take_authorization_code(hash).await? else { return Ok(None) };
    let is_theirs = code.application == claim.application
        && code.redirect_uri == claim.redirect_uri
        && code.challenge == claim.challenge;
    if !is_theirs || code.expires <= now {
        return Ok(None);
    }
    let CodeRow { organization, application, user, scopes, .. } = &code;
    let token = new_token(organization, application, user, *scopes, token, now);
    Ok(insert_token(tx, &token).await?.then_some(*scopes))
}

/// Finds the device of a user code, counting codes that are none. What was counted stays counted, so
/// the refusal is no error of the transaction.
async fn find_device(
    tx: &mut Tx,
    answer: &Answer,
) -> Result<Result<Option<(DeviceRow, PendingDevice)>, Refusal>, Error> {
    let Answer { organization, user, user_code, now, .. } = answer;
    let subject = format!("device|{user}");
    if GUESSES_MAX <= guesses(tx, organization, &subject, *now).await? {
        return Ok(Err(Refusal::LimitExceeded(
            "too many codes were wrong; wait ten minutes, then try again",
        )));
    }
    let device = tx.device_by_user_code(organization, user_code).await?;
    let device =
        device.filter(|found| found.status == DeviceStatus::Pending && *now < found.expires);
    let Some(device) = device else {
        tx.count_guess(organization, &subject, *now).await?;
        return Ok(Ok(None));
    };
    let Some(application) = tx.application(&device.application).await? else { return Ok(Ok(None)) };
    let scopes = device.scopes;
    let user_code = user_code.clone();
    Ok(Ok(Some((device, PendingDevice { application, scopes, user_code }))))
}

async fn redeem_device(
    tx: &mut Tx,
    hash: &str,
    application: &ApplicationId,
    token: &str,
    now: Timestamp,
) -> Result<Result<Scopes, Ungranted>, Error> {
    let device = tx.device(hash).await?.filter(|device| device.application == *application);
    let Some(device) = device else { return Ok(Err(Ungranted::InvalidGrant)) };
    let organization = &device.organization;
    if device.expires <= now {
        tx.delete_device(organization, hash).await?;
        return Ok(Err(Ungranted::Expired));
    }
    let is_early = now < device.polled.plus_millis(DEVICE_INTERVAL_MS);
    match (device.status, &device.user) {
        (DeviceStatus::Pending, _) | (DeviceStatus::Allowed, None) => {
            tx.device_polled(organization, hash, now).await?;
            Ok(Err(if is_early { Ungranted::SlowDown } else { Ungranted::Pending }))
        }
        (DeviceStatus::Denied, _) => {
            tx.delete_device(organization, hash).await?;
            Ok(Err(Ungranted::Denied))
        }
        (DeviceStatus::Allowed, Some(user)) => {
            if !tx.delete_device(organization, hash).await? {
                return Ok(Err(Ungranted::InvalidGrant));
            }
            let token = new_token(organization, application, user, device.scopes, token, now);
            let inserted = insert_token(tx, &token).await?;
            Ok(if inserted { Ok(device.scopes) } else { Err(Ungranted::InvalidGrant) })
        }
    }
}

/// Eight letters with a dash in the middle. 240 is the largest multiple of 20 that a byte can be
/// below, so a letter out of a byte at or above it would be likelier than others: such bytes are taken
/// out of those in reserve.
fn user_code(random: [u8; 64]) -> String {
    let fair = random.iter().filter(|byte| **byte < 240);
    let letters = fair.map(|byte| char::from(USER_CODE_LETTERS[usize::from(byte % 20)]));
    let mut code: String = letters.take(8).collect();
    code.insert(4.min(code.len()), '-');
    code
}

/// What a person typed, as it is kept: letter case, spaces and dashes do not matter.
fn plain(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphabetic).take(9);
    let mut code: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
    code.insert(4.min(code.len()), '-');
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_code_is_eight_letters_however_it_is_typed() {
        let mut random = [0; 64];
        for (at, byte) in (0_u8..).zip(&mut random) {
            *byte = at;
        }
        assert_eq!(user_code(random), "BCDF-GHJK");
        assert_eq!(user_code([239; 64]), "ZZZZ-ZZZZ");
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "b-c-d-f-g-h-j-k"] {
            assert_eq!(plain(typed), "BCDF-GHJK");
        }
        assert_ne!(plain("BCDFGHJKL"), "BCDF-GHJK");
        assert_eq!(plain(""), "-");
    }
}
