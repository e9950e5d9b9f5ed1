//! Named parameters. Their syntax is tested beside the parser.

use aws_sdk_rdsdata::types::{ArrayValue, Field, SqlParameter, TypeHint};

use crate::harness::{DataApi, Refusal, hinted, parameter, refused, text};

#[tokio::test]
async fn a_name_used_twice_is_one_parameter() {
    let api = DataApi::start().await;
    let select = api.execute("SELECT :b || :a || :b, ':a'::text -- :c");
    let output =
        select.parameters(parameter("a", text("1"))).parameters(parameter("b", text("2"))).send().await.unwrap();
    assert_eq!(output.records(), [[text("212"), text(":a")]]);
}

#[tokio::test]
async fn names_and_parameters_must_match() {
    let api = DataApi::start().await;
    let one = || parameter("a", Field::LongValue(1));
    assert_eq!(refused(api.execute("SELECT :a, :b").parameters(one())).await, bad_request("Cannot find parameter: b"));
    assert_eq!(
        refused(api.execute("SELECT 1").parameters(one())).await,
        bad_request("The statement has no parameter: a")
    );
    assert_eq!(
        refused(api.execute("SELECT :A").parameters(one())).await,
        bad_request("The statement has no parameter: a"),
        "names are case-sensitive"
    );
    let nothing = SqlParameter::builder().name("a").build();
    assert_eq!(refused(api.execute("SELECT :a").parameters(nothing)).await, bad_request("Parameter a has no value"));
    let array = parameter("a", Field::ArrayValue(ArrayValue::LongValues(vec![Some(1)])));
    assert_eq!(
        refused(api.execute("SELECT :a").parameters(array)).await,
        bad_request("Array parameters are not supported.")
    );
}

#[tokio::test]
async fn a_numbered_parameter_has_no_value() {
    let api = DataApi::start().await;
    let refusal = refused(api.execute("SELECT $1::text")).await;
    assert_eq!(refusal.code, "DatabaseErrorException");
    assert_eq!(
        refusal.message,
        "bind message supplies 0 parameters, but prepared statement requires 1; SQLState: 08P01"
    );
}

#[tokio::test]
async fn text_is_no_uuid_without_a_hint_or_a_cast() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (id uuid)").await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let refusal = refused(api.execute("SELECT 1 FROM t WHERE id = :id").parameters(parameter("id", text(id)))).await;
    assert_eq!(
        refusal.message,
        "ERROR: operator does not exist: uuid = text; Hint: No operator matches the given name and argument types. \
         You might need to add explicit type casts.; Position: 26; SQLState: 42883"
    );
    let hint = api.execute("SELECT 1 FROM t WHERE id = :id").parameters(hinted("id", id, TypeHint::Uuid));
    hint.send().await.unwrap();
    let cast = api.execute("SELECT 1 FROM t WHERE id = :id::uuid").parameters(parameter("id", text(id)));
    cast.send().await.unwrap();
}

fn bad_request(message: &str) -> Refusal {
    Refusal { status: 400, code: "BadRequestException".into(), message: message.into() }
}
