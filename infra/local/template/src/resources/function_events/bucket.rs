//! `Events` of type `S3`.

use super::super::super::error::{Fault, Problem};
use super::super::super::model::BucketNotification;
use super::super::super::resource::{Kind, Resource};
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::super::bucket_notification;
use super::event::{BUCKET, of_type};

const SHAPE: Shape = Shape { place: "an event of type S3", supported: &["Bucket", "Events", "Filter"], ignored: &[] };

/// Returns the notifications of one bucket to a function.
pub(crate) fn bucket_notifications(
    scope: &Scope<'_>,
    function: &Resource,
    resource: &Resource,
) -> Result<Vec<BucketNotification>, Fault> {
    let mut notifications = Vec::new();
    for (id, fields) in of_type(scope, function, BUCKET, &SHAPE)? {
        let (name, line) = (fields.required("Bucket")?, fields.line("Bucket"));
        let bucket = scope.find(Kind::Bucket, "Arn", &bucket_notification::arn(&name), line);
        let bucket = bucket.map_err(|_| Fault::new(line, Problem::UnknownName(name)))?;
        if bucket.id == resource.id {
            let id = format!("{}{id}", function.id);
            notifications.push(bucket_notification::notification(id, function.id.clone(), &fields, "Events")?);
        }
    }
    Ok(notifications)
}
