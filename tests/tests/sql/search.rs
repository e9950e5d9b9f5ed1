//! The search for public conversations finds the same whatever the locale of the database.

use domain::search::Words;
use local_aurora::postgres::Postgres;
use store::sql::discovery::{DISCOVER, prefixes, vector};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::migrate;

/// Titles, and searches that find them.
const FOUND: [(&str, &[&str]); 14] = [
    ("Ärger in Zürich", &["ärger", "a\u{308}rger", "ZU\u{308}RICH", "zurich"]),
    ("A\u{308}rger", &["Ärger", "ÄRG"]),
    ("ΟΔΟΣ", &["οδος", "οδοσ"]),
    ("Straße", &["STRASSE", "straße"]),
    ("ｒｕｓｔ", &["rust", "RUST"]),
    ("Rust", &["ｒｕｓｔ"]),
    ("ISPARTA", &["ısparta", "isparta"]),
    ("東京の写真クラブ", &["写真", "写真クラブ", "東", "ブ"]),
    ("咖啡爱好者", &["爱好", "爱好者"]),
    ("กรุงเทพมหานคร", &["เทพ", "กรุงเทพ"]),
    ("ｶﾞｰﾃﾞﾝ", &["ガーデン"]),
    ("한국어", &["국어", "\u{1112}\u{1161}\u{11ab}"]),
    ("مُحَمَّد", &["محمد"]),
    ("हिन्दी", &["हि", "हिन्दी"]),
];

const LOCALES: [&str; 5] = [
    "LOCALE 'C'",
    "LOCALE 'C.UTF-8'",
    "LOCALE 'en_US.UTF-8'",
    "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'",
    "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'",
];

async fn connect(postgres: &Postgres, database: &str) -> Client {
    let mut config = postgres.database().config().clone();
    let (client, connection) = config.dbname(database).connect(NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn searches_find_the_same_in_every_locale() {
    let postgres = Postgres::start(None).await.expect("PostgreSQL starts");
    let maintenance = connect(&postgres, "postgres").await;
    let mut tested = 0;
    for (index, locale) in LOCALES.iter().enumerate() {
        let name = format!("search{index}");
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {locale}");
        // Not every system has every locale, nor PostgreSQL with ICU.
        if let Err(error) = maintenance.batch_execute(&create).await {
            eprintln!("without {locale}: {error}");
            continue;
        }
        tested += 1;
        let client = connect(&postgres, &name).await;
        migrate(&client).await;
        check(&client, locale).await;
    }
    assert!(tested >= 2, "PostgreSQL has C and C.UTF-8 nearly everywhere");
    drop(maintenance);
    postgres.stop().await.expect("PostgreSQL stops");
}

async fn check(client: &Client, locale: &str) {
    let user = Uuid::now_v7();
    client.execute("INSERT INTO users (user_id, display_name) VALUES ($1, 'Ada')", &[&user]).await.unwrap();
    let mut ids = Vec::new();
    for (title, _) in FOUND {
        let id = Uuid::now_v7();
        client
            .execute(
                "INSERT INTO conversations (conversation_id, type, title, created_by, version, history, member_count, terms)
                 VALUES ($1, 'public', $2, $3, 1, 'full', 1, $4::text::tsvector)",
                &[&id, &title, &user, &vector(title, None)],
            )
            .await
            .unwrap();
        ids.push(id);
    }
    for ((title, searches), id) in FOUND.iter().zip(&ids) {
        for search in *searches {
            let words = Words::parse(search).unwrap().unwrap();
            let rows = client.query(DISCOVER, &[&user, &Uuid::max(), &prefixes(&words), &50_i64]).await.unwrap();
            let found: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
            assert!(found.contains(id), "{locale}: {search:?} finds {title:?}");
        }
    }
    for search in ["真写", "κοδος", "rusty", "&|!"] {
        let words = Words::parse(search).unwrap().unwrap();
        let rows = client.query(DISCOVER, &[&user, &Uuid::max(), &prefixes(&words), &50_i64]).await.unwrap();
        assert!(rows.is_empty(), "{locale}: {search:?}");
    }
}
