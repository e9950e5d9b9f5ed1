//! Many rows in one statement.

use sqlx_data_api::{DataApiPool, DataApiQueryBuilder, query, query_as};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::database::Database;

type Note = (Uuid, Option<String>, OffsetDateTime);

const AT: OffsetDateTime = datetime!(2024-02-29 12:00 UTC);

fn some_notes() -> Vec<Note> {
    vec![(Uuid::nil(), Some("it's :p1, $2".to_owned()), AT), (Uuid::max(), None, AT)]
}

async fn table() -> DataApiPool {
    let pool = Database::new().await.pool().await;
    query("CREATE TABLE notes (id uuid PRIMARY KEY, body text, at timestamptz NOT NULL)").execute(&pool).await.unwrap();
    pool
}

async fn notes(pool: &DataApiPool) -> Vec<Note> {
    query_as("SELECT id, body, at FROM notes ORDER BY id").fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn rows_are_inserted_with_push_values() {
    let pool = table().await;
    let mut insert = DataApiQueryBuilder::new("INSERT INTO notes (id, body, at) ");
    insert.push_values(some_notes(), |mut row, (id, body, at)| {
        row.push_bind(id).push_bind(body).push_bind(at);
    });
    insert.push(" ON CONFLICT DO NOTHING");
    assert_eq!(insert.build().execute(&pool).await.unwrap().rows_affected(), 2);
    assert_eq!(notes(&pool).await, some_notes());
}

#[tokio::test]
async fn rows_are_inserted_from_unnested_arrays() {
    let pool = table().await;
    let (mut ids, mut bodies, mut times) = (vec![], vec![], vec![]);
    for (id, body, at) in some_notes() {
        ids.push(id);
        bodies.push(body);
        times.push(at);
    }
    let inserted = query("INSERT INTO notes (id, body, at) SELECT * FROM unnest($1, $2, $3)")
        .bind(ids)
        .bind(bodies)
        .bind(times)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(inserted.rows_affected(), 2);
    assert_eq!(notes(&pool).await, some_notes());
}

#[tokio::test]
async fn rows_are_selected_by_tuples_and_lists() {
    let pool = table().await;
    query("INSERT INTO notes SELECT * FROM unnest($1, $2, $3)")
        .bind([Uuid::nil(), Uuid::max()])
        .bind([Some("a"), Some("b")])
        .bind([AT, AT])
        .execute(&pool)
        .await
        .unwrap();
    let mut select = DataApiQueryBuilder::new("SELECT id FROM notes WHERE (id, body) IN");
    select.push_tuples([(Uuid::nil(), "a"), (Uuid::max(), "a")], |mut tuple, (id, body)| {
        tuple.push_bind(id).push_bind(body);
    });
    let found: Vec<Uuid> = select.build_query_scalar().fetch_all(&pool).await.unwrap();
    assert_eq!(found, [Uuid::nil()]);

    let mut select = DataApiQueryBuilder::new("SELECT id FROM notes WHERE body = ANY(");
    select.push_bind(vec!["b", "c"]).push(") AND at < ").push_bind(AT + time::Duration::SECOND);
    let found: Vec<Uuid> = select.build_query_scalar().fetch_all(&pool).await.unwrap();
    assert_eq!(found, [Uuid::max()]);
}
