//! Secrets of the installation, made once: all replicas read the same.

use super::{
    Store, StoreError,
    db::{Lane, vals},
};

impl Store {
    /// The secret of that name: what is kept, or else `fresh`, which is kept from now on.
    pub(crate) async fn secret(&self, name: &str, fresh: String) -> Result<String, StoreError> {
        let name = name.to_owned();
        self.db
            .write("secret", Lane::Others, move |tx| {
                let (name, fresh) = (name.clone(), fresh.clone());
                Box::pin(async move {
                    tx.execute(
                        "INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                        vals![&name, &fresh],
                    )
                    .await?;
                    let sql = "SELECT value FROM secret WHERE name = $1";
                    let kept: Option<(String,)> = tx.first(sql, vals![&name]).await?;
                    Ok(kept.map_or(fresh, |(value,)| value))
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        clock::Clock,
        store::{Location, Store},
    };

    #[tokio::test]
    async fn a_secret_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("db"));
        let open = || Store::open(&location, false, Clock::manual(0));
        let store = open().await.unwrap();
        assert_eq!(store.secret("links", "first".into()).await.unwrap(), "first");
        assert_eq!(store.secret("links", "second".into()).await.unwrap(), "first");
        assert_eq!(store.secret("other", "third".into()).await.unwrap(), "third");
        store.close().await;
        assert_eq!(open().await.unwrap().secret("links", "fourth".into()).await.unwrap(), "first");
    }
}
