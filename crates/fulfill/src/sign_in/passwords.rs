//! Passwords: argon2id, a few at a time and away from the threads that serve.

use std::sync::{Arc, LazyLock};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB, passes over it, and threads: what OWASP advises at the least. It makes a
/// guess cost 19 MiB and some tens of milliseconds, also for who has stolen the database.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// Hashes made at once: more would take the memory and the cores from the orders.
const AT_ONCE: usize = 2;
/// Hashes that wait for their turn; more are refused.
const WAITING_MAX: usize = 30;

/// Makes and checks hashes. Cheap to clone; clones share their turns.
#[derive(Debug, Clone)]
pub(crate) struct Passwords(Arc<Turns>);

#[derive(Debug)]
struct Turns {
    seats: Semaphore,
    turns: Semaphore,
}

/// Too many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PasswordsBusy;

impl Default for Passwords {
    fn default() -> Self {
        let (seats, turns) = (Semaphore::new(WAITING_MAX + AT_ONCE), Semaphore::new(AT_ONCE));
        Self(Arc::new(Turns { seats, turns }))
    }
}

/// The hash of a password that nobody has: checked for who does not exist, so that both take as long.
static NOBODYS: LazyLock<String> = LazyLock::new(|| {
    let secret: [u8; 32] = rand::random();
    made(&secret).unwrap_or_default()
});

impl Passwords {
    /// A password's hash, as a PHC string.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, PasswordsBusy> {
        let password = password.to_owned();
        let hash = self.in_turn(move || made(password.as_bytes())).await?;
        hash.ok_or(PasswordsBusy)
    }

    /// Whether a password is the one of this hash; without a hash it takes as long and is not.
    pub(crate) async fn check(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, PasswordsBusy> {
        let password = password.to_owned();
        self.in_turn(move || {
            let fits = fits(password.as_bytes(), hash.as_deref().unwrap_or(&NOBODYS));
            fits && hash.is_some()
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordsBusy> {
        let _seat = self.0.seats.try_acquire().map_err(|_full| PasswordsBusy)?;
        let _turn = self.0.turns.acquire().await.map_err(|_closed| PasswordsBusy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_stopped| PasswordsBusy)
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let (memory, passes, threads) = COST;
    let params = Params::new(memory, passes, threads, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn made(password: &[u8]) -> Option<String> {
    let salt: [u8; 16] = rand::random();
    let hash: PasswordHash = argon2()?.hash_password_with_salt(password, &salt).ok()?;
    Some(hash.to_string())
}

fn fits(password: &[u8], hash: &str) -> bool {
    let (Some(argon2), Ok(hash)) = (argon2(), PasswordHash::new(hash)) else { return false };
    argon2.verify_password(password, &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Passwords, PasswordsBusy, WAITING_MAX};

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct horse").await.unwrap(), "each has its salt");
        assert_eq!(passwords.check("correct horse", Some(hash.clone())).await, Ok(true));
        assert_eq!(passwords.check("correct hors", Some(hash)).await, Ok(false));
        assert_eq!(passwords.check("correct horse", None).await, Ok(false), "nobody");
        assert_eq!(passwords.check("x", Some("not a hash".into())).await, Ok(false));
    }

    #[tokio::test]
    async fn a_crowd_is_refused_instead_of_kept_waiting() {
        let passwords = Passwords::default();
        let crowd = (0..WAITING_MAX + 20).map(|_| passwords.check("guess", None));
        let answers = futures_util::future::join_all(crowd).await;
        let refused = answers.iter().filter(|answer| **answer == Err(PasswordsBusy)).count();
        assert_eq!(refused, 18, "two at work, thirty waiting");
    }
}
