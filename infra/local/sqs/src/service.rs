//! The wire protocol: JSON in, JSON out.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::Response;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::dispatch::SqsHandler;
use rustack_sqs_http::response::json_response;
use rustack_sqs_model::error::SqsError as LibraryError;
use rustack_sqs_model::operations::SqsOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

use crate::error::{INTERNAL, INVALID_VALUE, MISSING, UNSUPPORTED};
use crate::{Sqs, SqsError};

type Json = Result<Vec<u8>, SqsError>;

impl Sqs {
    async fn answer(&self, operation: SqsOperation, body: &[u8]) -> Json {
        use SqsOperation as Op;
        match operation {
            Op::SendMessage => write(&self.send(read(body)?).await?),
            Op::SendMessageBatch => write(&self.send_batch(read(body)?).await?),
            Op::ReceiveMessage => write(&self.receive(read(body)?).await?),
            Op::DeleteMessage => write(&self.delete(read(body)?).await?),
            Op::DeleteMessageBatch => write(&self.delete_batch(read(body)?).await?),
            Op::ChangeMessageVisibility => write(&self.change_visibility(read(body)?).await?),
            Op::ChangeMessageVisibilityBatch => write(&self.change_visibility_batch(read(body)?).await?),
            Op::CreateQueue => write(&self.create_queue(read(body)?)?),
            Op::DeleteQueue => write(&self.delete_queue(read(body)?).await?),
            Op::PurgeQueue => write(&self.purge_queue(read(body)?).await?),
            Op::GetQueueUrl => write(&self.queue_url(&read(body)?)?),
            Op::ListQueues => write(&self.list_queues(&read(body)?)),
            Op::GetQueueAttributes => write(&self.queue_attributes(&read(body)?)?),
            Op::SetQueueAttributes => write(&self.set_queue_attributes(&read(body)?)?),
            Op::ListQueueTags => write(&self.tags(&read(body)?)?),
            Op::TagQueue => self.tag(read(body)?).and_then(|()| write(&json!({}))),
            Op::UntagQueue => self.untag(&read(body)?).and_then(|()| write(&json!({}))),
            Op::ListDeadLetterSourceQueues => write(&self.dead_letter_sources(&read(body)?)?),
            Op::StartMessageMoveTask => write(&self.start_move(read(body)?).await?),
            Op::ListMessageMoveTasks => write(&self.moves(&read(body)?)?),
            Op::CancelMessageMoveTask => Err(Self::cancel_move(&read(body)?)),
            Op::AddPermission | Op::RemovePermission => {
                Err(SqsError::new(UNSUPPORTED, format!("{operation} is not emulated by the local cloud.")))
            }
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<SqsResponseBody>, LibraryError>> + Send>>;

impl SqsHandler for Sqs {
    fn handle_operation(&self, operation: SqsOperation, body: Bytes) -> Answer {
        let sqs = self.clone();
        Box::pin(async move {
            let id = Uuid::new_v4().to_string();
            Ok(match sqs.answer(operation, &body).await {
                Ok(json) => json_response(json, &id),
                Err(error) => error.response(&id),
            })
        })
    }
}

/// Reads a request. A field that it lacks is named as SQS names its parameters.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => SqsError::new(MISSING, format!("The request must contain the parameter {field}.")),
            None => SqsError::new(INVALID_VALUE, format!("The request cannot be read: {text}")),
        }
    })
}

fn write(output: &impl Serialize) -> Json {
    serde_json::to_vec(output).map_err(|error| SqsError::new(INTERNAL, error.to_string()))
}
