//! The requests that add, move or remove messages, noted in the ledger. All others go straight to the queues.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::dispatch::SqsHandler;
use rustack_sqs_http::response::json_response;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::{
    DeleteMessageBatchInput, DeleteMessageInput, DeleteQueueInput, PurgeQueueInput, ReceiveMessageInput,
    SendMessageBatchInput, SendMessageInput,
};
use rustack_sqs_model::operations::SqsOperation;
use rustack_sqs_model::output::{
    DeleteMessageBatchOutput, DeleteMessageOutput, DeleteQueueOutput, PurgeQueueOutput, ReceiveMessageOutput,
    SendMessageBatchOutput, SendMessageOutput,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Sqs;

impl Sqs {
    /// Sends a message of the cloud's own, for example to a queue that is the destination of a function.
    pub async fn send_text(&self, queue_url: &str, body: String) -> Result<(), SqsError> {
        let input =
            SendMessageInput { queue_url: queue_url.to_owned(), message_body: body, ..SendMessageInput::default() };
        self.send(input).await.map(drop)
    }

    pub async fn send(&self, input: SendMessageInput) -> Result<SendMessageOutput, SqsError> {
        let _sending = self.inner.ledger.sending().await;
        let output = self.inner.provider.send_message(input.clone()).await?;
        if let Some(id) = &output.message_id {
            self.inner.ledger.add(id, input);
        }
        self.inner.changed.notify_waiters();
        Ok(output)
    }

    async fn send_batch(&self, input: SendMessageBatchInput) -> Result<SendMessageBatchOutput, SqsError> {
        let _sending = self.inner.ledger.sending().await;
        let output = self.inner.provider.send_message_batch(input.clone()).await?;
        let mut entries: HashMap<_, _> = input.entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
        // In the order of the answer, which is that of sending.
        for sent in &output.successful {
            let Some(entry) = entries.remove(&sent.id) else {
                continue;
            };
            let input = SendMessageInput {
                queue_url: input.queue_url.clone(),
                message_body: entry.message_body,
                delay_seconds: entry.delay_seconds,
                message_deduplication_id: entry.message_deduplication_id,
                message_group_id: entry.message_group_id,
                message_attributes: entry.message_attributes,
                message_system_attributes: entry.message_system_attributes,
            };
            self.inner.ledger.add(&sent.message_id, input);
        }
        self.inner.changed.notify_waiters();
        Ok(output)
    }

    pub async fn receive(&self, input: ReceiveMessageInput) -> Result<ReceiveMessageOutput, SqsError> {
        let url = input.queue_url.clone();
        let output = self.inner.provider.receive_message(input).await?;
        for id in output.messages.iter().filter_map(|message| message.message_id.as_deref()) {
            self.inner.ledger.seen(id, &url);
        }
        Ok(output)
    }

    pub async fn delete(&self, input: DeleteMessageInput) -> Result<DeleteMessageOutput, SqsError> {
        let handle = input.receipt_handle.clone();
        let output = self.inner.provider.delete_message(input).await?;
        self.deleted(&handle).await;
        Ok(output)
    }

    async fn delete_batch(&self, input: DeleteMessageBatchInput) -> Result<DeleteMessageBatchOutput, SqsError> {
        let handles: HashMap<_, _> =
            input.entries.iter().map(|entry| (entry.id.clone(), entry.receipt_handle.clone())).collect();
        let output = self.inner.provider.delete_message_batch(input).await?;
        for handle in output.successful.iter().filter_map(|entry| handles.get(&entry.id)) {
            self.deleted(handle).await;
        }
        Ok(output)
    }

    async fn purge(&self, input: PurgeQueueInput) -> Result<PurgeQueueOutput, SqsError> {
        let url = input.queue_url.clone();
        let output = self.inner.provider.purge_queue(input).await?;
        self.inner.ledger.clear(&url).await;
        Ok(output)
    }

    async fn delete_queue(&self, input: DeleteQueueInput) -> Result<DeleteQueueOutput, SqsError> {
        let url = input.queue_url.clone();
        let output = self.inner.provider.delete_queue(input).await?;
        self.inner.ledger.clear(&url).await;
        Ok(output)
    }

    /// Notes which messages are in a queue, by receiving them all.
    pub async fn locate(&self, queue_url: &str) {
        loop {
            let input = ReceiveMessageInput {
                queue_url: queue_url.to_owned(),
                max_number_of_messages: Some(10),
                // Longer than this process lives on.
                visibility_timeout: Some(3600),
                ..ReceiveMessageInput::default()
            };
            match self.receive(input).await {
                Ok(output) if output.messages.is_empty() => return,
                Ok(_) => {}
                // A function has deleted the queue.
                Err(error) => return tracing::debug!(%error, "a dead-letter queue does not exist"),
            }
        }
    }

    async fn deleted(&self, receipt_handle: &str) {
        // `rustack-sqs-core` makes its handles of id, time and a nonce, in base64.
        let decoded = STANDARD.decode(receipt_handle).ok().and_then(|handle| String::from_utf8(handle).ok());
        if let Some((id, _)) = decoded.as_deref().and_then(|handle| handle.split_once(':')) {
            self.inner.ledger.remove(id).await;
        }
        self.inner.changed.notify_waiters();
    }

    /// `None`: not one of the noted operations, or not readable as one.
    async fn noted(&self, operation: SqsOperation, body: &[u8]) -> Option<Result<Response<SqsResponseBody>, SqsError>> {
        Some(match operation {
            SqsOperation::SendMessage => respond(self.send(read(body)?).await),
            SqsOperation::SendMessageBatch => respond(self.send_batch(read(body)?).await),
            SqsOperation::ReceiveMessage => respond(self.receive(read(body)?).await),
            SqsOperation::DeleteMessage => respond(self.delete(read(body)?).await),
            SqsOperation::DeleteMessageBatch => respond(self.delete_batch(read(body)?).await),
            SqsOperation::PurgeQueue => respond(self.purge(read(body)?).await),
            SqsOperation::DeleteQueue => respond(self.delete_queue(read(body)?).await),
            _ => return None,
        })
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<SqsResponseBody>, SqsError>> + Send>>;

impl SqsHandler for Sqs {
    fn handle_operation(&self, operation: SqsOperation, body: Bytes) -> Answer {
        let sqs = self.clone();
        Box::pin(async move {
            match sqs.noted(operation, &body).await {
                Some(answer) => answer,
                // An unreadable body gets its error there.
                None => RustackSqsHandler::new(sqs.inner.provider.clone()).handle_operation(operation, body).await,
            }
        })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

fn respond<T: Serialize>(output: Result<T, SqsError>) -> Result<Response<SqsResponseBody>, SqsError> {
    let json = serde_json::to_vec(&output?).map_err(|error| SqsError::internal_error(error.to_string()))?;
    Ok(json_response(json, &Uuid::new_v4().to_string()))
}
