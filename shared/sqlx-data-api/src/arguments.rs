use std::fmt::{self, Debug, Formatter, Write};

use aws_sdk_rdsdata::types::{Field, SqlParameter};
use sqlx_core::arguments::Arguments;
use sqlx_core::encode::{Encode, IsNull};
use sqlx_core::error::{BoxDynError, Error};
use sqlx_core::types::Type;

use crate::sql::Template;
use crate::{DataApi, DataApiTypeInfo};

/// The buffer into which an [`Encode`] implementation puts its value: one [`Field`].
#[derive(Default)]
pub struct DataApiArgumentBuffer(Option<Field>);

impl DataApiArgumentBuffer {
    /// Sets the value, replacing one that was set before.
    pub fn set(&mut self, field: Field) {
        self.0 = Some(field);
    }

    /// The value that `value` encodes to; `None` is NULL.
    pub(crate) fn encode<'t, T: Encode<'t, DataApi>>(value: T) -> Result<Option<Field>, BoxDynError> {
        let mut buffer = Self::default();
        match value.encode(&mut buffer)? {
            IsNull::Yes => Ok(None),
            IsNull::No => match buffer.0 {
                // PostgreSQL would refuse it as invalid UTF-8, a less helpful error.
                Some(Field::StringValue(text)) if text.contains('\0') => {
                    Err("PostgreSQL text cannot contain NUL characters".into())
                }
                Some(field) => Ok(Some(field)),
                None => Err("the value was not encoded".into()),
            },
        }
    }
}

/// The arguments of a statement, `$1` first.
#[derive(Default)]
pub struct DataApiArguments(Vec<Argument>);

struct Argument {
    field: Field,
    type_info: DataApiTypeInfo,
}

impl Arguments for DataApiArguments {
    type Database = DataApi;

    fn reserve(&mut self, additional: usize, _size: usize) {
        self.0.reserve(additional);
    }

    fn add<'t, T>(&mut self, value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, DataApi> + Type<DataApi>,
    {
        let type_info = value.produces().unwrap_or_else(T::type_info);
        let field = DataApiArgumentBuffer::encode(value)?.unwrap_or(Field::IsNull(true));
        self.0.push(Argument { field, type_info });
        Ok(())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn format_placeholder<W: Write>(&self, writer: &mut W) -> fmt::Result {
        write!(writer, "${}", self.0.len())
    }
}

impl DataApiArguments {
    /// Returns the statement and its parameters in the form of the Data API.
    ///
    /// # Errors
    ///
    /// Returns an error for a statement that names an argument that was not bound, and for arguments beyond the last one that
    /// it names: PostgreSQL refuses both, but the service's messages for them are unclear.
    pub(crate) fn apply(self, template: &Template) -> Result<(String, Vec<SqlParameter>), Error> {
        let (expected, bound) = (template.parameters(), self.0.len());
        if expected != bound {
            return Err(Error::InvalidArgument(format!(
                "the statement has {expected} parameters, but {bound} were bound"
            )));
        }
        let sql = template.render(|number| Some(&self.0.get(number.checked_sub(1)?)?.type_info));
        let parameters = self.0.into_iter().enumerate().filter(|(index, _)| template.mentions(index + 1));
        let parameters = parameters.map(|(index, argument)| {
            SqlParameter::builder().name(format!("p{}", index + 1)).value(argument.field).build()
        });
        Ok((sql, parameters.collect()))
    }
}

/// Shows the types, never the values.
impl Debug for DataApiArguments {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|argument| &argument.type_info)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_carries_its_type() {
        let mut arguments = DataApiArguments::default();
        arguments.add(None::<uuid::Uuid>).unwrap();
        let (sql, parameters) = arguments.apply(&Template::new("insert into t values ($1)")).unwrap();
        assert_eq!(sql, "insert into t values (CAST(:p1 AS uuid))");
        assert_eq!(parameters[0].value, Some(Field::IsNull(true)));
    }

    #[test]
    fn the_number_of_arguments_is_checked() {
        let mut arguments = DataApiArguments::default();
        arguments.add(1_i32).unwrap();
        assert!(arguments.apply(&Template::new("select $2")).is_err());
        let mut arguments = DataApiArguments::default();
        arguments.add(1_i32).unwrap();
        assert!(arguments.apply(&Template::new("select 1")).is_err());
    }

    #[test]
    fn nul_characters_are_refused() {
        let mut arguments = DataApiArguments::default();
        assert!(arguments.add("a\0").is_err());
        assert!(arguments.add(["a\0"]).is_err());
        arguments.add(&b"\0"[..]).unwrap();
    }

    #[test]
    fn debug_output_hides_values() {
        let mut arguments = DataApiArguments::default();
        arguments.add("secret").unwrap();
        assert_eq!(format!("{arguments:?}"), "[DataApiTypeInfo(\"text\")]");
    }
}
