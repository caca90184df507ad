//! Who may sign in: people, invitations, logins, and the API's tokens. Whatever proves something is
//! kept as a digest; what comes in here is digested already.

use fulfill_rules::{DAY, HOUR, MINUTE, Millis};

use super::{
    Store, StoreError,
    db::{Lane, Tx, rows, vals},
};

/// An invitation is good for so long.
const INVITATION: Millis = DAY;
/// A login that is not used for so long is over.
const IDLE_MAX: Millis = 14 * DAY;
/// A login's last use is written this often at most.
const SEEN_EVERY: Millis = HOUR;
/// A token's last use is written this often at most.
const USED_EVERY: Millis = MINUTE;
/// People, and tokens that work: more are a mistake.
const PEOPLE_MAX: i64 = 200;
/// Logins of one person; the oldest end.
const LOGINS_MAX: i64 = 50;

rows! {
    /// Somebody who may sign in.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Person {
        /// Their number.
        pub seq: i64,
        /// Their name, as they sign in with it.
        pub name: String,
        /// Since when.
        pub created_at: Millis,
        /// When they were here last, as far as a login of theirs tells.
        pub seen_at: Option<Millis>,
    }
}

rows! {
    /// Somebody's way in that was not used yet.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Invitation {
        /// Until when it is good.
        pub expires_at: Millis,
        /// By whom; without a name it is from the program itself, for whoever sees its terminal.
        pub invited_by: Option<String>,
    }
}

rows! {
    /// A token of the API.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ApiToken {
        /// Its number.
        pub seq: i64,
        /// What it is for.
        pub name: String,
        /// By whom.
        pub created_by: String,
        /// When it was made.
        pub created_at: Millis,
        /// When it was used last, give or take a minute.
        pub used_at: Option<Millis>,
        /// It works no more, since then.
        pub revoked_at: Option<Millis>,
    }
}

const INVITED: &str =
    "SELECT expires_at, invited_by FROM invitation WHERE token = $1 AND expires_at > $2";

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// This person may sign in.
    Person(i64),
    /// The name is somebody's.
    Taken,
    /// There is no such invitation, or no more.
    Gone,
    /// There are too many people.
    Full,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It is done.
    Done,
    /// The name is taken.
    Taken,
    /// There are too many.
    Full,
}

impl Store {
    /// Everybody who may sign in, by name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT p.seq, p.name, p.created_at, \
                               (SELECT MAX(l.seen_at) FROM login l WHERE l.person = p.seq) \
                               FROM person p ORDER BY p.name LIMIT $1";
                    tx.fetch(sql, vals![PEOPLE_MAX]).await
                })
            })
            .await
    }

    /// Somebody's number and password's hash.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn password(&self, name: &str) -> Result<Option<(i64, String)>, StoreError> {
        let name = name.to_owned();
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT seq, password FROM person WHERE name = $1";
                    tx.first(sql, vals![&name]).await
                })
            })
            .await
    }

    /// Lets somebody sign in, without an invitation.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn add_person(&self, name: &str, password: &str) -> Result<Made, StoreError> {
        let (now, name, password) = (self.now(), name.to_owned(), password.to_owned());
        self.db
            .write("add_person", Lane::Others, move |tx| {
                let (name, password) = (name.clone(), password.clone());
                Box::pin(async move {
                    Ok(match add_person(tx, &name, &password, now).await? {
                        Accepted::Person(_) => Made::Done,
                        Accepted::Full => Made::Full,
                        Accepted::Taken | Accepted::Gone => Made::Taken,
                    })
                })
            })
            .await
    }

    /// Keeps an invitation; who invites without a name is the program itself.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn invite(&self, digest: &str, invited_by: Option<&str>) -> Result<(), StoreError> {
        let (now, digest) = (self.now(), digest.to_owned());
        let invited_by = invited_by.map(str::to_owned);
        self.db
            .write("invite", Lane::Others, move |tx| {
                let (digest, invited_by) = (digest.clone(), invited_by.clone());
                Box::pin(async move {
                    tx.execute("DELETE FROM invitation WHERE expires_at <= $1", vals![now]).await?;
                    tx.execute(
                        "INSERT INTO invitation (token, created_at, expires_at, invited_by) \
                         VALUES ($1, $2, $3, $4)",
                        vals![&digest, now, now + INVITATION, &invited_by],
                    )
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// An invitation that is still good.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn invitation(&self, digest: &str) -> Result<Option<Invitation>, StoreError> {
        let (now, digest) = (self.now(), digest.to_owned());
        self.db
            .read(move |tx| Box::pin(async move { tx.first(INVITED, vals![&digest, now]).await }))
            .await
    }

    /// Uses an invitation up. One from the program itself also gives somebody a new password who has
    /// lost theirs; their logins end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn accept(
        &self,
        digest: &str,
        name: &str,
        password: &str,
    ) -> Result<Accepted, StoreError> {
        let now = self.now();
        let given = (digest.to_owned(), name.to_owned(), password.to_owned());
        self.db
            .write("accept", Lane::Others, move |tx| {
                let (digest, name, password) = given.clone();
                Box::pin(async move {
                    // Locked, so that of two who come with it at once only one gets in.
                    let sql = format!("{INVITED} {{lock}}");
                    let found: Option<Invitation> = tx.first(&sql, vals![&digest, now]).await?;
                    let Some(found) = found else { return Ok(Accepted::Gone) };
                    let from_the_program = found.invited_by.is_none();
                    let accepted = match add_person(tx, &name, &password, now).await? {
                        Accepted::Taken if from_the_program => {
                            set_password(tx, &name, &password).await?
                        }
                        other => other,
                    };
                    if let Accepted::Person(_) = accepted {
                        // With somebody there, no link of an earlier start is needed any more.
                        let sql = "DELETE FROM invitation WHERE token = $1 \
                                   OR ($2 AND invited_by IS NULL)";
                        tx.execute(sql, vals![&digest, from_the_program]).await?;
                    }
                    Ok(accepted)
                })
            })
            .await
    }

    /// Begins a login.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sign_in(&self, person: i64, digest: &str) -> Result<(), StoreError> {
        let (now, digest) = (self.now(), digest.to_owned());
        self.db
            .write("sign_in", Lane::Others, move |tx| {
                let digest = digest.clone();
                Box::pin(async move {
                    tx.execute("DELETE FROM login WHERE expires_at <= $1", vals![now]).await?;
                    let sql = "DELETE FROM login WHERE person = $1 AND token NOT IN \
                               (SELECT token FROM login WHERE person = $1 \
                               ORDER BY seen_at DESC, token LIMIT $2)";
                    tx.execute(sql, vals![person, LOGINS_MAX - 1]).await?;
                    tx.execute(
                        "INSERT INTO login (token, person, created_at, seen_at, expires_at) \
                         VALUES ($1, $2, $3, $3, $4)",
                        vals![&digest, person, now, now + IDLE_MAX],
                    )
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Who is signed in with this; it then goes on being good.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn login(&self, digest: &str) -> Result<Option<Person>, StoreError> {
        let (now, wanted) = (self.now(), digest.to_owned());
        let found: Option<Person> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT p.seq, p.name, p.created_at, l.seen_at FROM login l \
                               JOIN person p ON p.seq = l.person \
                               WHERE l.token = $1 AND l.expires_at > $2";
                    tx.first(sql, vals![&wanted, now]).await
                })
            })
            .await?;
        if found.as_ref().is_some_and(|p| p.seen_at.is_some_and(|at| now - at >= SEEN_EVERY)) {
            let digest = digest.to_owned();
            self.db
                .write("seen_login", Lane::Others, move |tx| {
                    let digest = digest.clone();
                    Box::pin(async move {
                        let sql = "UPDATE login SET seen_at = $2, expires_at = $3 WHERE token = $1";
                        tx.execute(sql, vals![&digest, now, now + IDLE_MAX]).await
                    })
                })
                .await?;
        }
        Ok(found)
    }

    /// Whether a login is still good. Looking does not make it last longer.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn is_signed_in(&self, digest: &str) -> Result<bool, StoreError> {
        let (now, wanted) = (self.now(), digest.to_owned());
        let found: Option<(i64,)> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT p.seq FROM login l JOIN person p ON p.seq = l.person \
                               WHERE l.token = $1 AND l.expires_at > $2";
                    tx.first(sql, vals![&wanted, now]).await
                })
            })
            .await?;
        Ok(found.is_some())
    }

    /// Ends a login.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sign_out(&self, digest: &str) -> Result<(), StoreError> {
        let digest = digest.to_owned();
        self.db
            .write("sign_out", Lane::Others, move |tx| {
                let digest = digest.clone();
                Box::pin(async move {
                    tx.execute("DELETE FROM login WHERE token = $1", vals![&digest]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Gives somebody a new password; their logins end, all but the one they did it with.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn change_password(
        &self,
        person: i64,
        password: &str,
        login: &str,
    ) -> Result<(), StoreError> {
        let (password, login) = (password.to_owned(), login.to_owned());
        self.db
            .write("change_password", Lane::Others, move |tx| {
                let (password, login) = (password.clone(), login.clone());
                Box::pin(async move {
                    let sql = "UPDATE person SET password = $2 WHERE seq = $1";
                    tx.execute(sql, vals![person, &password]).await?;
                    let sql = "DELETE FROM login WHERE person = $1 AND token <> $2";
                    tx.execute(sql, vals![person, &login]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Lets somebody in no more, from now on. False for the last one: somebody has to be there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn remove_person(&self, person: i64) -> Result<bool, StoreError> {
        self.db
            .write("remove_person", Lane::Others, move |tx| {
                Box::pin(async move {
                    let all: Vec<(i64,)> =
                        tx.fetch("SELECT seq FROM person ORDER BY seq {lock}", vals![]).await?;
                    if all.len() < 2 {
                        return Ok(false);
                    }
                    tx.execute("DELETE FROM login WHERE person = $1", vals![person]).await?;
                    // Nor by a link of their own.
                    tx.execute(
                        "DELETE FROM invitation WHERE invited_by = \
                         (SELECT name FROM person WHERE seq = $1)",
                        vals![person],
                    )
                    .await?;
                    tx.execute("DELETE FROM person WHERE seq = $1", vals![person]).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// Makes a token of the API, for this store's mode.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn add_api_token(
        &self,
        name: &str,
        digest: &str,
        created_by: &str,
    ) -> Result<Made, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        let given = (name.to_owned(), digest.to_owned(), created_by.to_owned());
        self.db
            .write("add_api_token", Lane::Others, move |tx| {
                let (name, digest, created_by) = given.clone();
                Box::pin(async move {
                    let working: Vec<(String,)> = tx
                        .fetch(
                            "SELECT name FROM api_token WHERE livemode = $1 AND revoked_at IS NULL",
                            vals![livemode],
                        )
                        .await?;
                    if working.iter().any(|(known,)| *known == name) {
                        return Ok(Made::Taken);
                    }
                    if i64::try_from(working.len()).unwrap_or(i64::MAX) >= PEOPLE_MAX {
                        return Ok(Made::Full);
                    }
                    tx.execute(
                        "INSERT INTO api_token (livemode, name, token, created_by, created_at) \
                         VALUES ($1, $2, $3, $4, $5)",
                        vals![livemode, &name, &digest, &created_by, now],
                    )
                    .await?;
                    Ok(Made::Done)
                })
            })
            .await
    }

    /// The tokens of the API: those that work, then those that were revoked lately.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT seq, name, created_by, created_at, used_at, revoked_at \
                               FROM api_token WHERE livemode = $1 \
                               ORDER BY revoked_at IS NOT NULL, COALESCE(revoked_at, 0) DESC, seq DESC \
                               LIMIT $2";
                    tx.fetch(sql, vals![livemode, PEOPLE_MAX + 20]).await
                })
            })
            .await
    }

    /// From now on the token proves nothing. False: there is none that works with this number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn revoke_api_token(&self, seq: i64) -> Result<bool, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        self.db
            .write("revoke_api_token", Lane::Others, move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE api_token SET revoked_at = $3 \
                               WHERE seq = $1 AND livemode = $2 AND revoked_at IS NULL";
                    Ok(tx.execute(sql, vals![seq, livemode, now]).await? > 0)
                })
            })
            .await
    }

    /// The name of a token that works, and notes that it was used.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn api_token(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let (now, livemode, digest) = (self.now(), self.livemode, digest.to_owned());
        let found: Option<(i64, String, Option<i64>)> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT seq, name, used_at FROM api_token \
                               WHERE token = $1 AND livemode = $2 AND revoked_at IS NULL";
                    tx.first(sql, vals![&digest, livemode]).await
                })
            })
            .await?;
        let Some((seq, name, used_at)) = found else { return Ok(None) };
        if used_at.is_none_or(|at| now - at >= USED_EVERY) {
            self.db
                .write("used_api_token", Lane::Others, move |tx| {
                    Box::pin(async move {
                        let sql = "UPDATE api_token SET used_at = $2 WHERE seq = $1";
                        tx.execute(sql, vals![seq, now]).await
                    })
                })
                .await?;
        }
        Ok(Some(name))
    }
}

async fn add_person(
    tx: &mut Tx,
    name: &str,
    password: &str,
    now: Millis,
) -> Result<Accepted, StoreError> {
    // "Boss" beside "boss" would be taken for the same.
    let names: Vec<(String,)> = tx.fetch("SELECT name FROM person", vals![]).await?;
    if names.iter().any(|(known,)| known.to_lowercase() == name.to_lowercase()) {
        return Ok(Accepted::Taken);
    }
    if i64::try_from(names.len()).unwrap_or(i64::MAX) >= PEOPLE_MAX {
        return Ok(Accepted::Full);
    }
    let new: Option<(i64,)> = tx
        .first(
            "INSERT INTO person (name, password, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO NOTHING RETURNING seq",
            vals![name, password, now],
        )
        .await?;
    Ok(new.map_or(Accepted::Taken, |(seq,)| Accepted::Person(seq)))
}

async fn set_password(tx: &mut Tx, name: &str, password: &str) -> Result<Accepted, StoreError> {
    let people: Vec<(i64, String)> = tx.fetch("SELECT seq, name FROM person", vals![]).await?;
    // As a name is compared that is new: who writes "Ann" for "ann" is not sent away with a lost password.
    let same = people.into_iter().find(|(_, known)| known.to_lowercase() == name.to_lowercase());
    let Some((seq, _)) = same else { return Ok(Accepted::Gone) };
    let sql = "UPDATE person SET password = $2 WHERE seq = $1";
    tx.execute(sql, vals![seq, password]).await?;
    tx.execute("DELETE FROM login WHERE person = $1", vals![seq]).await?;
    Ok(Accepted::Person(seq))
}
