//! Query parameters of HTTP requests, read strictly.

use std::borrow::Cow;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::Error;
use crate::ApiError;
use crate::number::whole_number;

/// The parameters of a request, decoded, with all values of each.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, Vec<String>)>);

impl Query {
    /// Parses a raw query: `a=b&c=d`, percent-encoded, `+` for a space.
    pub fn parse(raw: &str) -> Result<Self, ApiError> {
        let mut parameters: Vec<(String, Vec<String>)> = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            match parameters.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => parameters.push((name, vec![value])),
            }
        }
        Ok(Self(parameters))
    }

    /// Reads the parameters as a struct. A field that is a list takes `a,b,c`, or the same name several times; any other
    /// parameter occurs once.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        T::deserialize(Parameters { rest: &self.0, current: None }).map_err(|error| error.refusal("parameter"))
    }
}

fn decode(text: &str) -> Result<String, ApiError> {
    let malformed = || ApiError::invalid("The query is not percent-encoded UTF-8.");
    let mut escapes = text.split('%').skip(1);
    let is_escape = |rest: &str| rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    if !escapes.all(is_escape) {
        return Err(malformed());
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(|_| malformed())
}

/// The sizes that a page of a list may have, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// Without a `limit`.
    pub default: usize,
    pub most: usize,
}

/// Returns the size of a page: `limit`, between 1 and the most.
pub fn page_size(limit: Option<u64>, PageSize { default, most }: PageSize) -> Result<usize, ApiError> {
    let size = limit.map_or(Ok(default), usize::try_from).ok().filter(|size| (1..=most).contains(size));
    size.ok_or_else(|| ApiError::invalid(format!("`limit` must be between 1 and {most}.")))
}

/// Returns the size of a page, see [`page_size`], and the position after which it begins.
pub fn page<T>(limit: Option<u64>, cursor: Option<Cursor<T>>, size: PageSize) -> Result<(usize, Option<T>), ApiError> {
    Ok((page_size(limit, size)?, cursor.map(|cursor| cursor.0)))
}

/// The cursor of a list: opaque for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<T>(pub T);

impl<'de, T: FromStr> Deserialize<'de> for Cursor<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| de::Error::custom("is not a cursor of this list"))
    }
}

struct Parameters<'a> {
    rest: &'a [(String, Vec<String>)],
    current: Option<&'a (String, Vec<String>)>,
}

impl<'de> Deserializer<'de> for Parameters<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Parameters<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((first, rest)) = self.rest.split_first() else { return Ok(None) };
        (self.rest, self.current) = (rest, Some(first));
        seed.deserialize(StrDeserializer::new(&first.0)).map(Some).map_err(|error: Error| error.in_field(&first.0))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let (name, values) = self.current.take().ok_or_else(|| Error::expected("a name before its value"))?;
        seed.deserialize(Values(values)).map_err(|error| error.in_field(name))
    }
}

/// The values of one parameter.
struct Values<'a>(&'a [String]);

impl Values<'_> {
    fn one(&self) -> Result<&str, Error> {
        match self.0 {
            [one] => Ok(one),
            _ => Err(Error::predicate("must occur once")),
        }
    }

    fn number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(whole_number(self.one()?).ok_or_else(|| Error::expected("a whole number"))?)
    }
}

impl<'de> Deserializer<'de> for Values<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.one()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(List { items: self.0.iter().flat_map(|value| value.split(',')), index: 0 })
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.number(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.number(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.one()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(Error::expected("`true` or `false`")),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map
        struct enum identifier ignored_any
    }
}

struct List<I> {
    items: I,
    index: usize,
}

impl<'de, 'a, I: Iterator<Item = &'a str>> SeqAccess<'de> for List<I> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        let item: StrDeserializer<'_, Error> = item.into_deserializer();
        seed.deserialize(item).map(Some).map_err(|error| error.in_element(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConversationId, ErrorCode, Seq, UserId};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parameters {
        limit: Option<u64>,
        after_seq: Option<Seq>,
        conversation_id: Option<ConversationId>,
        cursor: Option<Cursor<UserId>>,
        q: Option<String>,
        archived: Option<bool>,
        #[serde(default)]
        ids: Vec<UserId>,
    }

    fn read(raw: &str) -> Result<Parameters, ApiError> {
        Query::parse(raw)?.read()
    }

    const ID: &str = "6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e";

    #[test]
    fn parameters_are_decoded() {
        let parameters =
            read(&format!("limit=7&&after_seq=9007199254740991&q=a%2Cb+c%26,d&archived=false&ids={ID},{ID}&ids={ID}"))
                .unwrap();
        assert_eq!((parameters.limit, parameters.after_seq), (Some(7), Some(Seq::MAX)));
        assert_eq!((parameters.q.as_deref(), parameters.ids.len()), (Some("a,b c&,d"), 3));
        assert_eq!((parameters.conversation_id, parameters.cursor), (None, None));
        assert_eq!(parameters.archived, Some(false));
        assert!(read("").is_ok() && read("&").is_ok());
    }

    #[test]
    fn each_malformed_query_is_refused_and_named() {
        for (code, detail, raw) in [
            (ErrorCode::InvalidRequest, "`limit` must be a whole number.", "limit=2,6"),
            (ErrorCode::InvalidRequest, "`limit` must occur once.", "limit=2&limit=junk"),
            (ErrorCode::InvalidRequest, "`limit` must occur once.", "limit=2&limit=2"),
            (ErrorCode::InvalidRequest, "`limit` must occur once.", "limit=2&l%69mit=2"),
            (ErrorCode::InvalidRequest, "`limit` must be a whole number.", "limit="),
            (ErrorCode::InvalidRequest, "`limit` must be a whole number.", "limit"),
            (ErrorCode::InvalidRequest, "`limit` must be a whole number.", "limit=%2B2"),
            (ErrorCode::InvalidRequest, "`limit` must be a whole number.", "limit=+2"),
            (ErrorCode::InvalidRequest, "`limit` must be a whole number.", "limit=02"),
            (ErrorCode::InvalidRequest, "`limit` must be a whole number.", "limit=2.0"),
            (ErrorCode::InvalidRequest, "`after_seq` must be a whole number.", "after_seq=9007199254740992"),
            (ErrorCode::InvalidRequest, "`after_seq` must be a whole number.", "after_seq=-1"),
            (ErrorCode::InvalidRequest, "`archived` must be `true` or `false`.", "archived=1"),
            (ErrorCode::InvalidRequest, "`archived` must be `true` or `false`.", "archived"),
            (ErrorCode::InvalidUuid, "`conversation_id` is not a UUID.", "conversation_id="),
            (
                ErrorCode::InvalidUuid,
                "`conversation_id` is not a UUID.",
                "conversation_id=urn:uuid:6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e",
            ),
            (ErrorCode::InvalidUuid, "`ids[1]` is not a UUID.", "ids=6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e,"),
            (ErrorCode::InvalidRequest, "`cursor` is not a cursor of this list.", "cursor=x"),
            (ErrorCode::UnknownField, "The parameter `afterseq` is unknown.", "afterseq=1"),
            (ErrorCode::InvalidRequest, "The query is not percent-encoded UTF-8.", "q=%"),
            (ErrorCode::InvalidRequest, "The query is not percent-encoded UTF-8.", "q=%zz"),
            (ErrorCode::InvalidRequest, "The query is not percent-encoded UTF-8.", "q=%ff"),
        ] {
            let refusal = read(raw).expect_err(raw);
            assert_eq!((refusal.code, refusal.message.as_str()), (code, detail), "{raw}");
        }
    }

    #[test]
    fn page_size_is_bounded() {
        let size = PageSize { default: 20, most: 50 };
        assert_eq!(page_size(None, size).ok(), Some(20));
        assert_eq!(page_size(Some(50), size).ok(), Some(50));
        for limit in [0, 51, u64::MAX] {
            assert!(page_size(Some(limit), size).is_err(), "{limit}");
        }
    }
}
